import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { gaps } from '#core/lake/ledger.ts';
import { backfillKlines } from '#pipelines/backfill-klines/backfill.ts';
import { noteStatuses, saveListings, type Listing } from '#pipelines/discover-symbols/listings.ts';
import { findIncidents } from '#pipelines/incidents/find.ts';
import { listIncidents } from '#pipelines/incidents/incident.ts';
import { day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const date = '2024-03-05';
const us = (time: string) => Date.parse(`${date}T${time}:00Z`) * 1_000;
const minute = (time: string) => (us(time) - us('00:00')) / 60_000_000;

/** Minutes from one time of the day to another. */
type Quiet = readonly [from: string, to: string];

/** A day of minute bars; those in `quiet` have no trade, those in `absent` are not there. */
async function trade(source: string, symbol: string, quiet: readonly Quiet[], absent: readonly Quiet[] = []) {
  const isIn = (spans: readonly Quiet[], at: number) =>
    spans.some(([from, to]) => minute(from) <= at && at < minute(to));
  const csv = Array.from({ length: 1_440 }, (_, i) => {
    const open = Date.parse(date) + i * 60_000;
    const [volume, count] = isIn(quiet, i) ? [0, 0] : [10, 9];
    return isIn(absent, i)
      ? ''
      : `${open},1.5,3,1,2,${volume},${open + 59_999},${2 * volume},${count},${volume},${volume},0\n`;
  }).join('');
  const folder = join(lake.dir, randomUUID());
  await put(folder, day(date, { kind: 'klines', symbol, interval: '1m' }), { csv });
  const archive = await openArchive({ location: folder, metrics: lake.metrics });
  const report = await backfillKlines({ lake: lake.lake, archive, source, spillDir: lake.spillDir });
  expect(report.failures).toEqual([]);
}

async function find(source: string) {
  return await findIncidents({ lake: lake.lake, source, spillDir: lake.spillDir, days: 30 });
}

async function known(source: string) {
  return (await listIncidents(lake.database, { source })).map(({ kind, symbol, from, to, foundBy }) => ({
    ...{ kind, symbol, from: from.slice(11, 16), to: to?.slice(11, 16) ?? null, foundBy },
  }));
}

const coin = (source: string, symbol: string, of: Partial<Listing> = {}): Listing => ({
  ...{ source, symbol, number: 1, base: symbol.slice(0, 3), quote: 'USDT', status: 'TRADING' },
  ...{ listedUs: us('00:00'), delistedUs: null, lastTradeId: 7, seenUs: us('00:00') },
  ...of,
});

describe('the ledger of incidents', () => {
  test('no market traded is an outage, one that did not is a halt; a second run changes nothing', async () => {
    const source = randomUUID();
    const outage: Quiet = ['10:00', '10:25'];
    await trade(source, 'AAAUSDT', [outage]);
    await trade(source, 'BBBUSDT', [outage, ['15:00', '16:30']]);
    await trade(source, 'CCCUSDT', [outage, ['18:00', '18:04']]);
    expect(await find(source)).toMatchObject({ added: 2, corrected: 0 });
    expect(await known(source)).toEqual([
      { kind: 'outage', symbol: null, from: '10:00', to: '10:25', foundBy: 'silence' },
      { kind: 'halt', symbol: 'BBBUSDT', from: '15:00', to: '16:30', foundBy: 'silence' },
    ]);
    expect(await find(source)).toMatchObject({ added: 0, corrected: 0, explained: 0 });
  });

  test('what one market does not say alone is corrected when others are known', async () => {
    const source = randomUUID();
    await trade(source, 'AAAUSDT', [['10:00', '10:25']]);
    await find(source);
    expect(await known(source)).toMatchObject([{ kind: 'halt', symbol: 'AAAUSDT', from: '10:00' }]);
    const before = new Date();
    await trade(source, 'BBBUSDT', [['10:00', '10:25']]);
    expect(await find(source)).toMatchObject({ added: 1, corrected: 1 });
    expect(await known(source)).toMatchObject([{ kind: 'outage', symbol: null, from: '10:00' }]);
    const then = await listIncidents(lake.database, { source, knownAt: before });
    expect(then).toMatchObject([{ kind: 'halt', symbol: 'AAAUSDT' }]);
  });

  test('markets that are often silent are judged by what is usual for them', async () => {
    const source = randomUUID();
    const often = Array.from({ length: 90 }, (_, i): Quiet => {
      const at = (minutes: number) => new Date(minutes * 60_000).toISOString().slice(11, 16);
      return [at(i * 15), at(i * 15 + 12)];
    });
    await trade(source, 'AAAUSDT', []);
    await trade(source, 'BBBUSDT', often);
    expect(await find(source)).toMatchObject({ found: [] });
  });

  test('bars that are missing during an outage are explained by it', async () => {
    const source = randomUUID();
    await trade(source, 'AAAUSDT', [['10:00', '10:25']]);
    await trade(source, 'BBBUSDT', [['10:00', '10:25']]);
    await trade(source, 'CCCUSDT', [], [['10:00', '10:30']]);
    expect(await find(source)).toMatchObject({ added: 1, explained: 25 });
    expect(await gaps(lake.lake, { source })).toMatchObject([
      { symbol: 'CCCUSDT', from: us('10:25'), to: us('10:30'), kind: 'missing' },
      { symbol: 'CCCUSDT', from: us('10:00'), to: us('10:25'), kind: 'explained', cause: 'outage' },
    ]);
  });

  test("the venue's word for a status is a halt, until its bars say exactly", async () => {
    const source = randomUUID();
    const [aaa, bbb] = [coin(source, 'AAAUSDT'), coin(source, 'BBBUSDT')];
    await lake.database.transaction(async (tx) => {
      await saveListings(tx, [aaa, bbb]);
      await noteStatuses(tx, source, us('14:00'), [aaa, bbb]);
      await noteStatuses(tx, source, us('15:10'), [aaa, { ...bbb, status: 'HALT' }]);
      await noteStatuses(tx, source, us('15:30'), [aaa, { ...bbb, status: 'HALT' }]);
      await noteStatuses(tx, source, us('15:50'), [aaa, bbb]);
    });
    await find(source);
    const said = { kind: 'halt', symbol: 'BBBUSDT', from: '15:10', to: '15:50', foundBy: 'status' };
    expect(await known(source)).toEqual([said]);
    await trade(source, 'AAAUSDT', []);
    await trade(source, 'BBBUSDT', [['15:05', '15:41']]);
    expect(await find(source)).toMatchObject({ added: 1, corrected: 1 });
    expect(await known(source)).toEqual([{ ...said, from: '15:05', to: '15:41', foundBy: 'silence' }]);
    expect(await find(source)).toMatchObject({ added: 0, corrected: 0 });
  });

  test('ends and begins of listings are incidents, and go when they turn out to be none', async () => {
    const source = randomUUID();
    const save = (...listings: Listing[]) => lake.database.transaction((tx) => saveListings(tx, listings));
    const ended = coin(source, 'AAAUSDT', { status: 'BREAK', delistedUs: us('09:00') });
    await save(ended, coin(source, 'BBBUSDT', { status: 'BREAK', delistedUs: us('09:30') }));
    await find(source);
    expect(await known(source)).toMatchObject([
      { kind: 'delisting', symbol: 'AAAUSDT', from: '09:00', to: null },
      { kind: 'delisting', symbol: 'BBBUSDT', from: '09:30', to: null },
    ]);
    await save(coin(source, 'AAAUSDT', { number: 2, listedUs: us('20:00') }), coin(source, 'BBBUSDT'));
    await find(source);
    expect(await known(source)).toMatchObject([
      { kind: 'delisting', symbol: 'AAAUSDT', from: '09:00', to: '20:00' },
      { kind: 'relisting', symbol: 'AAAUSDT', from: '20:00', to: null },
    ]);
  });
});
