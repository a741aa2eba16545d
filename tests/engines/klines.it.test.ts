import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTable } from '#core/lake/catalog.ts';
import { compactTable } from '#core/lake/compact.ts';
import { query } from '#core/lake/engine.ts';
import { klines } from '#core/lake/tables.ts';
import { expectProven, openBarVenue, type BarVenue } from '#tests/pipelines/backfill-klines/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = requires(
  (await pythonEnvironment()) !== undefined,
  'Python with PyIceberg',
  pythonRemedy,
);
const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
let lake: TestLake;
let venue: BarVenue;

beforeAll(async () => {
  lake = await openTestLake();
  venue = await openBarVenue(lake, 6_900, '2024-03-05T10:00:30Z');
});
afterAll(async () => {
  await venue.close();
  await lake.close();
});

/** What every reader is asked of one market's bars. */
function totalsOf(symbol: string, interval: string): string {
  const own = `filter (where symbol = '${symbol}' and "interval" = '${interval}')`;
  const sums = ['volume', 'quote_volume', 'trade_count', 'taker_buy_volume', 'taker_buy_quote_volume'].map(
    (column) => `(sum(${column}) ${own})::varchar as ${column}`,
  );
  const bounds = ['open_time', 'close_time', 'open', 'high', 'low', 'close', 'date'].flatMap((column) => [
    `(min(${column}) ${own})::varchar as min_${column}`,
    `(max(${column}) ${own})::varchar as max_${column}`,
  ]);
  return [
    `(count(*) ${own})::varchar as bars`,
    `(count(*) ${own.replace('where', 'where is_filled and')})::varchar as filled`,
  ]
    .concat(sums, bounds)
    .join(', ');
}

describe('bars that were brought', { ...needsPython, timeout: 120_000 }, () => {
  it('are the same to PyIceberg, to DuckDB and to our SQL, also those of one month brought at once and compacted', async () => {
    await venue.befall({ kind: 'outage', fromMs: Date.parse('2024-03-05T11:00:00Z'), minutes: 10 });
    await venue.goTo('2024-03-06T00:00:30Z');
    const daily = await venue.detect({ symbols, intervals: ['1d'], from: '2023-11-15' });
    await venue.bring(daily);
    const minutes = await venue.detect({ symbols, intervals: ['1m'], from: '2024-03-04' });
    expect(minutes).toHaveLength(3);
    const compact = async () => {
      await compactTable(lake.lake, klines, { spillDir: lake.spillDir, filesMin: 2 });
    };
    const [, ...reports] = await Promise.all([compact(), ...minutes.map((task) => venue.bring([task]))]);
    for (const report of reports) expect(report).toMatchObject({ rows: 2_880, filled: 10, left: 0 });
    await compact();
    await expectProven(lake);
    expect(await venue.missing()).toEqual([]);

    const markets = symbols.flatMap((symbol) => ['1m', '1d'].map((interval) => [symbol, interval] as const));
    const questions = markets.map(([symbol, interval]) => ({ select: totalsOf(symbol, interval) }));
    const { metadataLocation } = await loadTable(lake.lake, klines);
    const foreign = await python<Record<string, Record<string, unknown>[]>>('engines/iceberg_reader.py', {
      ...{ metadata: metadataLocation, questions },
    });
    for (const [i, { select }] of questions.entries()) {
      const { rows } = await query(lake.lake, `select ${select} from market.klines`, {
        spillDir: lake.spillDir,
      });
      const [ours] = rows;
      expect(ours).toMatchObject(markets[i]?.[1] === '1m' ? { bars: '2880', filled: '10' } : { filled: '0' });
      expect(Number(ours?.['bars'])).toBeGreaterThan(0);
      expect(foreign['pyiceberg']?.[i]).toEqual(ours);
      expect(foreign['duckdb']?.[i]).toEqual(ours);
    }
  });
});
