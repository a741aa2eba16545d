import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startHoleMender, type HoleMender } from '#pipelines/ingest-trades/mend-holes.ts';
import type { Answer } from '#tests/core/exchanges/binance/venue.ts';
import { startTapeVenue, type TapeVenue } from './tape-venue.ts';

let written: string[];

beforeEach(() => {
  written = [];
});

const tape = Array.from({ length: 5_000 }, (_, id) => id);

async function mender(
  answers: (symbol: string) => readonly number[] | Answer | 'never',
): Promise<{ venue: TapeVenue; mender: HoleMender }> {
  const venue = await startTapeVenue('venue', answers);
  const opened = startHoleMender({
    exchange: venue.exchange,
    write: (trades) => {
      written.push(...trades.map(({ symbol, tradeId }) => `${symbol} ${tradeId}`));
      return Promise.resolve();
    },
    ...{ logger: createLogger({ level: 'silent', name: 'test' }), metrics: new Metrics() },
  });
  onTestFinished(async () => {
    await opened.close();
    await venue.close();
  });
  return { venue, mender: opened };
}

test('a hole alone is fetched without a drain', async () => {
  const { mender: holes } = await mender(() => tape);
  holes.add('BTCUSDT', { fromId: 5, toId: 6 });
  while (written.length === 0) await sleep(5);
  expect(written).toEqual(['BTCUSDT 5']);
});

test('holes that gather while one is fetched share a request', async () => {
  const { venue, mender: holes } = await mender(() => tape);
  holes.add('BTCUSDT', { fromId: 5, toId: 6 });
  holes.add('BTCUSDT', { fromId: 10, toId: 12 });
  holes.add('BTCUSDT', { fromId: 900, toId: 901 });
  holes.add('ETHUSDT', { fromId: 7, toId: 8 });
  await holes.drain();
  expect(written.toSorted()).toEqual(['BTCUSDT 10', 'BTCUSDT 11', 'BTCUSDT 5', 'BTCUSDT 900', 'ETHUSDT 7']);
  expect(venue.asked('BTCUSDT')).toEqual([
    { fromId: 5, limit: 1 },
    { fromId: 10, limit: 891 },
  ]);
});

test('a market that REST does not serve keeps no other waiting', async () => {
  const { mender: holes } = await mender((symbol) => (symbol === 'BTCUSDT' ? { status: 503 } : tape));
  holes.add('BTCUSDT', { fromId: 5, toId: 6 });
  holes.add('ETHUSDT', { fromId: 7, toId: 8 });
  await holes.drain();
  expect(written).toEqual(['ETHUSDT 7']);
});

test('a drain ends when its time is over, though REST does not answer', async () => {
  const { venue, mender: holes } = await mender(() => 'never');
  for (let id = 0; id < 100; id++) holes.add(`M${id}USDT`, { fromId: id, toId: id + 1 });
  await holes.drain(AbortSignal.timeout(100));
  expect(written).toEqual([]);
  expect(venue.asked('M1USDT')).toEqual([]);
});
