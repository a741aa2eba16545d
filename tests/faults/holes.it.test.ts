import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coverage } from '#core/lake/ledger.ts';
import { klines, trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { listIncidents } from '#pipelines/incidents/incident.ts';
import { listRestatements } from '#pipelines/restate-archive/files.ts';
import { day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openBatch, type Batch } from './batch.ts';

let lake: TestLake;
let lastSeed = 7_700;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const [before, spoiled, after] = ['2024-03-02', '2024-03-03', '2024-03-04'];
const now = '2024-03-05T10:00:30Z';
const symbol = 'BTCUSDT';
const minutesOfDay = 1_440;
const ms = (time: string) => Date.parse(time);

const open = (options: { archive?: string } = {}) => openBatch(lake, ++lastSeed, now, options);
const bars = { symbols: [symbol], intervals: ['1m'], from: before, to: '2024-03-05' };
const tape = { symbols: [symbol], intervals: [], trades: true, from: spoiled, to: after };

const sum = (committed: Record<string, unknown>[], key: string) =>
  committed.reduce((total, one) => total + Number(one[key]), 0);

/** Nothing that is wanted is missing, and what the ledger holds is in the files, once. */
async function expectComplete({ missing, source }: Batch): Promise<void> {
  expect(await missing()).toEqual([]);
  for (const table of [klines, trades]) {
    const { listings, damaged } = await verifyTable(lake.lake, table, { spillDir: lake.spillDir });
    expect(damaged).toEqual([]);
    const own = listings.filter((listing) => listing.source === source);
    expect(own.filter(({ ok }) => !ok)).toEqual([]);
  }
}

async function incidents({ source }: Batch) {
  return (await listIncidents(lake.database, { source })).map(({ kind, symbol: of, from, to }) => ({
    ...{ kind, symbol: of, from, to },
  }));
}

async function barsHeld({ rows, source }: Batch): Promise<unknown> {
  const [row] = await rows(
    `select count(*)::integer as bars, count_if(is_filled)::integer as filled from market.klines where source = '${source}'`,
  );
  return row;
}

describe('holes of the archive', () => {
  test('a day that was dropped from the archive comes by REST', async () => {
    const batch = await open();
    await batch.spoil({ kind: 'drop', symbol, of: 'klines', interval: '1m', period: spoiled });
    expect(await batch.run('detect-gaps', bars)).toMatchObject([{ tasks: 1, missing: 3 * minutesOfDay }]);
    const brought = await batch.run('backfill-klines');
    expect(sum(brought, 'rows')).toBe(3 * minutesOfDay);
    expect(sum(brought, 'files')).toBeGreaterThan(0);
    expect(sum(brought, 'answers')).toBeGreaterThan(0);
    expect(await barsHeld(batch)).toEqual({ bars: 3 * minutesOfDay, filled: 0 });
    await expectComplete(batch);
  });

  test('the rest of a day that the archive has truncated comes by REST', async () => {
    const batch = await open();
    await batch.spoil({ kind: 'truncate', symbol, of: 'trades', period: spoiled, part: 0.5 });
    const [{ missing } = {}] = await batch.run('detect-gaps', tape);
    const brought = await batch.run('backfill-trades');
    expect(sum(brought, 'fromArchive')).toBeGreaterThan(0);
    expect(sum(brought, 'fromRest')).toBeGreaterThan(0);
    expect(sum(brought, 'fromArchive') + sum(brought, 'fromRest')).toBe(missing);
    await expectComplete(batch);
  });

  test('a file whose checksum is wrong is refused and named, and its rows come by REST', async () => {
    const batch = await open();
    await batch.spoil({ kind: 'checksum', symbol, period: spoiled });
    await batch.run('detect-gaps', { ...bars, trades: true });
    const damaged = { file: expect.stringContaining(spoiled), damage: 'checksum-mismatch' };
    const broughtBars = await batch.run('backfill-klines');
    expect(broughtBars.flatMap((one) => one['damaged'])).toMatchObject([damaged]);
    const broughtTrades = await batch.run('backfill-trades');
    expect(broughtTrades.flatMap((one) => one['damaged'])).toMatchObject([damaged]);
    expect(sum(broughtTrades, 'fromRest')).toBeGreaterThan(0);
    await expectComplete(batch);
  });

  test('a file that the archive replaces is found by its hash, and its rows take the place of those before', async () => {
    const batch = await open();
    await batch.run('detect-gaps', { ...bars, trades: true, from: spoiled, to: after });
    await batch.run('backfill-klines');
    await batch.run('backfill-trades');
    const restated = async () => (await batch.run('restate-archive')).flatMap((one) => one['restated']);
    expect(await restated()).toEqual([]);
    for (const of of ['klines', 'trades'])
      await batch.spoil({ kind: 'replace', symbol, of, period: spoiled });
    const changes = { added: 0, removed: 0, changed: expect.any(Number) };
    expect(await restated()).toMatchObject([changes, changes]);
    expect(await restated()).toEqual([]);
    const records = await listRestatements(lake.database, { source: batch.source });
    expect(records.map(({ table }) => table).toSorted()).toEqual(['market.klines', 'market.trades']);
    for (const { table, rowsChanged, tag, sample } of records) {
      expect(rowsChanged).toBeGreaterThan(0);
      expect(sample[0]).toMatchObject({ kind: 'changed', was: { volume: expect.anything() } });
      expect(tag, table).toMatch(/^before-restatement-/);
    }
    await expectComplete(batch);
  });

  test('rows that stand in the wrong order are held once, and none is missing', async () => {
    const archive = join(lake.dir, randomUUID());
    const batch = await open({ archive });
    const file = day(spoiled, { kind: 'klines', symbol, interval: '1m' });
    const wanted = await batch.venue.exchange.klines({
      ...{ symbol, interval: '1m', fromUs: ms(spoiled) * 1_000, limit: 1_000 },
    });
    const lines = wanted.map((bar) =>
      [
        ...[bar.openTimeUs / 1_000, bar.open, bar.high, bar.low, bar.close, bar.volume],
        ...[bar.openTimeUs / 1_000 + 59_999, bar.quoteVolume, bar.tradeCount],
        ...[bar.takerBuyVolume, bar.takerBuyQuoteVolume, 0],
      ].join(','),
    );
    await put(archive, file, { csv: lines.toReversed().join('\n') });
    await batch.run('detect-gaps', { ...bars, from: spoiled, to: after });
    const brought = await batch.run('backfill-klines');
    expect(brought).toMatchObject([{ rows: minutesOfDay, files: 1, damaged: [] }]);
    expect(await barsHeld(batch)).toEqual({ bars: minutesOfDay, filled: 0 });
    await expectComplete(batch);
  });
});

describe('holes of the venue', () => {
  test('an outage: no market was traded; its minutes are held as flat, and the ledger says why', async () => {
    const batch = await open();
    const from = ms('2024-03-05T12:00:00Z');
    await batch.venue.befall({ kind: 'outage', fromMs: from, minutes: 25 });
    await batch.venue.goTo('2024-03-06T10:00:30Z');
    await batch.run('discover-symbols', { top: 3 });
    await batch.run('detect-gaps', { intervals: ['1m'], from: '2024-03-05', to: '2024-03-06' });
    expect(sum(await batch.run('backfill-klines'), 'filled')).toBe(3 * 25);
    expect(await batch.run('incidents')).toMatchObject([{ added: 1 }]);
    expect(await incidents(batch)).toEqual([
      { kind: 'outage', symbol: null, from: '2024-03-05T12:00:00.000Z', to: '2024-03-05T12:25:00.000Z' },
    ]);
    expect(await barsHeld(batch)).toEqual({ bars: 3 * minutesOfDay, filled: 3 * 25 });
    expect(await batch.run('incidents')).toMatchObject([{ added: 0, corrected: 0 }]);
    await expectComplete(batch);
  });

  test('a halt: one market was not traded while the others were', async () => {
    const batch = await open();
    await batch.venue.befall({ kind: 'halt', symbol, fromMs: ms('2024-03-05T12:00:00Z'), minutes: 90 });
    await batch.venue.goTo('2024-03-06T10:00:30Z');
    await batch.run('discover-symbols', { top: 3 });
    await batch.run('detect-gaps', { intervals: ['1m'], from: '2024-03-05', to: '2024-03-06' });
    await batch.run('backfill-klines');
    await batch.run('incidents');
    expect(await incidents(batch)).toEqual([
      { kind: 'halt', symbol, from: '2024-03-05T12:00:00.000Z', to: '2024-03-05T13:30:00.000Z' },
    ]);
    await expectComplete(batch);
  });

  test('a delisting: nothing is wanted after it, and the ledger says when it was', async () => {
    const batch = await open();
    await batch.run('discover-symbols', { top: 3 });
    await batch.venue.befall({ kind: 'delisting', symbol, fromMs: ms('2024-03-05T12:00:00Z') });
    await batch.venue.goTo('2024-03-06T10:00:30Z');
    await batch.run('discover-symbols', { top: 3 });
    await batch.run('detect-gaps', { ...bars, from: '2024-03-05', to: '2024-03-06' });
    await batch.run('backfill-klines');
    await batch.run('incidents');
    expect(await incidents(batch)).toEqual([
      { kind: 'delisting', symbol, from: '2024-03-05T12:00:00.000Z', to: null },
    ]);
    expect(await barsHeld(batch)).toEqual({ bars: 12 * 60, filled: 0 });
    await expectComplete(batch);
  });

  test('a name that went to another coin: both coins are held apart, nothing is wanted between', async () => {
    const batch = await open();
    await batch.run('discover-symbols', { top: 3 });
    await batch.venue.befall({ kind: 'delisting', symbol, fromMs: ms('2024-03-05T12:00:00Z') });
    await batch.venue.befall({ kind: 'relisting', symbol, fromMs: ms('2024-03-08'), ids: 'restart' });
    await batch.venue.goTo('2024-03-09T10:00:30Z');
    await batch.run('discover-symbols', { top: 3 });
    await batch.run('detect-gaps', { ...bars, trades: true, from: '2024-03-05', to: '2024-03-09' });
    await batch.run('backfill-klines');
    await batch.run('backfill-trades');
    await batch.run('incidents');
    expect(await incidents(batch)).toMatchObject([
      { kind: 'delisting', symbol, from: '2024-03-05T12:00:00.000Z' },
      { kind: 'relisting', symbol, to: null },
    ]);
    const held = await coverage(lake.lake, { source: batch.source });
    expect(held).toMatchObject([
      { table: 'market.klines', listing: `${symbol}#1`, held: 12 * 60, missing: 0 },
      { table: 'market.klines', listing: `${symbol}#2`, missing: 0 },
      { table: 'market.trades', listing: `${symbol}#2`, missing: 0 },
    ]);
    await expectComplete(batch);
  });
});
