import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';
import { query } from '#core/lake/engine.ts';
import { coverage, gaps } from '#core/lake/ledger.ts';
import { klines } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { backfillKlines, type KlineBackfill } from '#pipelines/backfill-klines/backfill.ts';
import { gapTasks } from '#pipelines/detect-gaps/wanted.ts';
import { saveListings } from '#pipelines/discover-symbols/listings.ts';
import { barsCsv, day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { requires } from '#tests/support/require.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const minutesOfDay = 1_440;
const us = (text: string) => Date.parse(text) * 1_000;
const ethereum: ArchiveSeries = { kind: 'klines', symbol: 'ETHUSDT', interval: '1m' };

interface Loading {
  folder: string;
  source: string;
}

function newArchive(): Loading {
  const source = randomUUID();
  return { source, folder: join(lake.dir, source) };
}

async function load({ folder, source }: Loading, options: Partial<KlineBackfill> = {}) {
  const archive = await openArchive({ location: folder, metrics: lake.metrics });
  return await backfillKlines({ lake: lake.lake, archive, source, spillDir: lake.spillDir, ...options });
}

async function expectProven(): Promise<void> {
  const verdict = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(verdict.listings.filter((row) => row.inFiles !== row.held || row.duplicates > 0)).toEqual([]);
}

async function holes(source: string) {
  return (await gaps(lake.lake, { source })).map(({ from, to, kind, cause }) => ({ from, to, kind, cause }));
}

describe('bars of the bulk archive', () => {
  test('come in once, in milliseconds and microseconds; a second run changes nothing', async () => {
    const at = newArchive();
    await put(at.folder, day('2024-12-31'), { csv: barsCsv('2024-12-31', minutesOfDay) });
    await put(at.folder, day('2025-01-01'), { csv: barsCsv('2025-01-01', minutesOfDay, 'us') });
    await put(at.folder, day('2025-01-01', ethereum), { csv: barsCsv('2025-01-01', minutesOfDay, 'us') });
    const rows = 3 * minutesOfDay;
    expect(await load(at)).toMatchObject({ tasks: 3, done: 3, failed: 0, rows, unchanged: 0 });
    expect(await coverage(lake.lake, { source: at.source })).toMatchObject([
      { symbol: 'BTCUSDT', interval: '1m', held: 2 * minutesOfDay, missing: 0 },
      { symbol: 'ETHUSDT', interval: '1m', held: minutesOfDay, missing: 0 },
    ]);
    expect(await load(at)).toMatchObject({ tasks: 3, done: 3, failed: 0, rows: 0, unchanged: 3 });
    await expectProven();
  });

  test('a replaced file takes the place of the one before', async () => {
    const at = newArchive();
    await put(at.folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', minutesOfDay) });
    await load(at);
    const corrected = barsCsv('2024-03-05', minutesOfDay).replaceAll(',1.5,3,', ',2.5,3,');
    await put(at.folder, day('2024-03-05'), { csv: corrected });
    expect(await load(at)).toMatchObject({ rows: minutesOfDay, unchanged: 0 });
    const { rows } = await query(
      lake.lake,
      `select count(*)::integer as bars, min(open)::text as open from market.klines where source = '${at.source}'`,
      { spillDir: lake.spillDir },
    );
    expect(rows).toEqual([{ bars: minutesOfDay, open: '2.500000000000000000' }]);
    await expectProven();
  });

  test('explains partial days and the span between periods, until that span is asked for', async () => {
    const at = newArchive();
    await put(at.folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', 3) });
    await put(at.folder, day('2024-03-08'), { csv: barsCsv('2024-03-08', minutesOfDay) });
    await load(at);
    const partial = {
      ...{ from: us('2024-03-05T00:03:00Z'), to: us('2024-03-06') },
      ...{ kind: 'explained', cause: 'partial_source' },
    };
    const between = { from: us('2024-03-06'), to: us('2024-03-08') };
    expect(await holes(at.source)).toEqual([
      partial,
      { ...between, kind: 'explained', cause: 'not_requested' },
    ]);
    await load(at, { fromUs: us('2024-03-05'), toUs: us('2024-03-09') });
    expect(await holes(at.source)).toEqual([{ ...between, kind: 'missing', cause: null }, partial]);
  });

  test('a hole inside a file is a gap', async () => {
    const at = newArchive();
    const lines = barsCsv('2024-03-05', minutesOfDay).split('\n');
    lines.splice(100, 5);
    await put(at.folder, day('2024-03-05'), { csv: lines.join('\n') });
    await load(at);
    expect(await holes(at.source)).toMatchObject([
      { from: us('2024-03-05T01:40:00Z'), to: us('2024-03-05T01:45:00Z'), kind: 'missing' },
    ]);
  });

  test('bars belong to the coin that had the name, and what it claims to hold is wanted', async () => {
    const at = newArchive();
    const listing = {
      ...{ source: at.source, symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', status: 'TRADING' },
      ...{ lastTradeId: 1, seenUs: us('2024-03-10') },
    };
    await lake.database.transaction((tx) =>
      saveListings(tx, [
        { ...listing, number: 1, listedUs: us('2020-01-01'), delistedUs: us('2024-03-04T12:00:00Z') },
        { ...listing, number: 2, listedUs: us('2024-03-05T06:00:00Z'), delistedUs: null },
      ]),
    );
    await put(at.folder, day('2024-03-04'), { csv: barsCsv('2024-03-04', 720) });
    await put(at.folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', minutesOfDay) });
    await put(at.folder, day('2024-03-06'), { zip: Buffer.from('PK, and no more') });
    expect(await load(at)).toMatchObject({ done: 2, failed: 1, rows: 720 + minutesOfDay });
    const { rows } = await lake.database.query(
      'select listing, lo, hi from lake.coverage where source = $1 order by listing, lo',
      [at.source],
    );
    expect(rows).toEqual([
      { listing: 'BTCUSDT#1', lo: us('2024-03-04'), hi: us('2024-03-04T12:00:00Z') },
      { listing: 'BTCUSDT#1', lo: us('2024-03-05'), hi: us('2024-03-05T06:00:00Z') },
      { listing: 'BTCUSDT#2', lo: us('2024-03-05T06:00:00Z'), hi: us('2024-03-06') },
    ]);
    expect(await gapTasks(lake.database, { source: at.source })).toMatchObject([
      { listing: 'BTCUSDT#2', ranges: [{ from: us('2024-03-06'), to: us('2024-03-07') }] },
    ]);
    await expectProven();
  });

  test('damage is named with file and line, and the other files come in', async () => {
    const at = newArchive();
    await put(at.folder, day('2024-03-04'), { csv: barsCsv('2024-03-04', minutesOfDay) });
    await put(at.folder, day('2024-03-05'), { checksum: `${'0'.repeat(64)}  ${day('2024-03-05').name}\n` });
    await put(at.folder, day('2024-03-06'), { zip: Buffer.from('PK, and no more') });
    await put(at.folder, day('2024-03-07'), { csv: '1,2,3\n' });
    await put(at.folder, day('2024-03-08'), { csv: barsCsv('2024-03-09', 3) });
    const highBelowLow = barsCsv('2024-03-09', 3).replace(/\n(\d+),1.5,3,/, '\n$1,1.5,1,');
    await put(at.folder, day('2024-03-09'), { csv: highBelowLow });
    const report = await load(at);
    expect(report).toMatchObject({ tasks: 6, done: 1, failed: 5, rows: minutesOfDay });
    const messages = new Map(report.failures.map(({ file, message }) => [file.slice(-14, -4), message]));
    expect(messages.get('2024-03-05')).toMatch(/hashes to/);
    expect(messages.get('2024-03-06')).toMatch(/zip/);
    expect(messages.get('2024-03-07')).toMatch(/3 columns/);
    expect(messages.get('2024-03-08')).toMatch(/2024-03-08\.zip, line 1: open time lies outside the period/);
    expect(messages.get('2024-03-09')).toMatch(/2024-03-09\.zip, line 2: high is below another price/);
    await expectProven();
  });

  test('a line that stands there twice is taken once, unless its contents differ', async () => {
    const at = newArchive();
    const lines = barsCsv('2024-03-04', minutesOfDay).split(/(?<=\n)/);
    await put(at.folder, day('2024-03-04'), { csv: [...lines, lines[0]].join('') });
    await put(at.folder, day('2024-03-05'), {
      csv: barsCsv('2024-03-05', 3)
        .replace(/^(.*\n)/, '$1$1')
        .replace(',1.5,3,', ',1.5,4,'),
    });
    const report = await load(at);
    expect(report).toMatchObject({ done: 1, failed: 1, rows: minutesOfDay });
    expect(report.failures[0]?.message).toMatch(
      /line 2: open time stands there twice, with different contents/,
    );
    await expectProven();
  });

  test('a bar that is not closed yet is left out', async () => {
    const at = newArchive();
    await put(at.folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', 5) });
    expect(await load(at, { nowUs: us('2024-03-05T00:03:30Z') })).toMatchObject({ rows: 3 });
  });
});

const marketData = process.env['TICKLAKE_MARKET_DATA'] ?? '../shared/market-data';
const recorded = join(marketData, 'archive');
const needs = requires(
  existsSync(join(recorded, 'data/spot')),
  'recorded market data',
  'Set TICKLAKE_MARKET_DATA to its folder.',
);

describe('the recorded archive', needs, () => {
  test('loads whole, daily bars without a gap and the halted day as the exchange has it', async () => {
    const at = { folder: recorded, source: randomUUID() };
    expect(await load(at)).toMatchObject({ failed: 0, unchanged: 0 });
    const held = await coverage(lake.lake, { source: at.source });
    const daily = held.filter(({ interval }) => interval === '1d');
    expect(daily).toHaveLength(26);
    expect(daily.reduce((sum, row) => sum + row.held, 0)).toBe(49_519);
    expect(held.filter(({ missing }) => missing > 0)).toEqual([]);
    const { rows } = await query(
      lake.lake,
      `select symbol from market.klines where source = '${at.source}' and interval = '1d'
          and open_time = '2018-02-08' and close_time < '2018-02-08 02:00:00+00' order by symbol`,
      { spillDir: lake.spillDir },
    );
    expect(rows.map((row) => row['symbol'])).toEqual(['BNBUSDT', 'BTCUSDT', 'ETHUSDT', 'LTCUSDT']);
    const again = await load(at);
    expect(again).toMatchObject({ failed: 0, rows: 0, unchanged: again.tasks });
    await expectProven();
  });
});
