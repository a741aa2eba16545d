import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import { startSimulator } from '#core/exchanges/simulator/server.ts';
import { gaps } from '#core/lake/ledger.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { Runtime } from '#cli/runtime.ts';
import { bringTrades } from '#pipelines/backfill-trades/bring.ts';
import { startIngest } from '#pipelines/ingest-trades/role.ts';
import { openDataDir } from '#tests/faults/simulator.ts';
import { heldOf, us } from './support.ts';

const symbols = ['BTCUPUSDT', 'LINKUSDT'];
const waiting = { timeout: 60_000, interval: 50 };
const logger = createLogger({ level: 'silent', name: 'test' });
let runtime: Runtime;

beforeAll(async () => {
  runtime = await openDataDir();
});
afterAll(async () => {
  await runtime.close();
});

test('beside the live stream and its repair, every id comes once', { timeout: 180_000 }, async () => {
  const { log, lake, config, spillDir, connection } = runtime;
  const { database } = connection;
  const simulator = await startSimulator({
    ...{ seed: 6_580, symbols: 20, speed: 100, port: 0, logger, metrics: new Metrics() },
    ...{ startTimeUs: us('2024-03-05T11:22:33.456Z'), weightLimitPerMinute: 1_000_000 },
  });
  onTestFinished(() => simulator.close());
  const { source, url: restUrl, wsUrl } = simulator;
  const metrics = new Metrics();
  const open = () => createBinanceExchange({ source, restUrl, wsUrl, logger, metrics });
  const live = open();
  const exchange = open();
  onTestFinished(async () => {
    await live.close();
    await exchange.close();
  });
  const committed = async (): Promise<number> => {
    const { rows } = await database.query<{ ids: number }>(
      `select coalesce(sum(committed_stream), 0)::int as ids from ingest.batches`,
    );
    return rows[0]?.ids ?? 0;
  };
  const bring = async () =>
    await bringTrades({
      ...{ exchange, lake, spillDir, from: 'auto' as const, symbols, fromUs: us('2024-03-04') },
      openArchive: () => openArchive({ location: restUrl, metrics }),
      signal: new AbortController().signal,
    });

  const ingest = await startIngest({
    ...{ config, exchange: live, symbols, database, log, lake, logger, metrics, live: true },
  });
  try {
    await vi.waitFor(async () => expect(await committed()).toBeGreaterThan(0), waiting);
    const first = await bring();
    expect(first).toMatchObject({ tasks: 4, done: 4, failed: 0, missing: 0 });
    // Of yesterday the archive has all that REST would take too long for.
    expect(first.fromArchive).toBeGreaterThan(10_000);
    const before = await committed();
    await vi.waitFor(async () => expect(await committed()).toBeGreaterThan(before), waiting);
    expect(await bring()).toMatchObject({ failed: 0, missing: 0 });
    await ingest.drain(waiting.timeout);
  } finally {
    await ingest.close();
  }
  for (const symbol of symbols) {
    const { rows, ids, lo, hi } = await heldOf(runtime, source, symbol);
    expect({ symbol, rows, ids }).toEqual({ symbol, rows: hi - lo, ids: hi - lo });
  }
  expect(await gaps(lake, { source })).toEqual([]);
  const { rows: differences } = await database.query('select * from lake.differences');
  expect(differences).toEqual([]);
});
