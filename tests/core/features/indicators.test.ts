import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indicatorsModel, newestIndicators, newestOfTails, tailBars } from '#core/features/indicators.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { indicators } from '#core/lake/feature-tables.ts';
import { duckType } from '#core/lake/tables.ts';
import {
  madeBar,
  putBarsTable,
  randomWalk,
  type MadeBar,
  type MadeMarket,
} from '#tests/support/bars-table.ts';
import { plainIndicators } from './plain-indicators.ts';

let duck: DuckDb;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-indicators-'));
  duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: folder });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

type Row = Record<string, unknown>;
const values = indicators.columns
  .map(({ name }) => name)
  .filter(
    (name) => !['source', 'symbol', 'interval', 'open_time', 'close', 'is_filled', 'date'].includes(name),
  );
/** Those that may be next to nothing beside the prices that they are made of are as exact as these. */
const ofPrices = new Set(['bb_upper', 'bb_lower', 'macd', 'macd_signal', 'macd_histogram']);

/** Rows by symbol, in order. */
async function history(markets: readonly MadeMarket[]): Promise<Map<string, Row[]>> {
  await putBarsTable(duck, 'bars', markets);
  const sql = await indicatorsModel(duck, { bars: 'bars' });
  return Map.groupBy(await duck.rows(`from (${sql}) order by symbol, open_time`), ({ symbol }) =>
    String(symbol),
  );
}

async function newest(): Promise<Map<string, Row>> {
  const sql = await newestIndicators(duck, { bars: 'bars' });
  return new Map((await duck.rows(sql)).map((row) => [String(row['symbol']), row]));
}

function expectClose(found: Row | undefined, wanted: Row, tolerance: number, where: string): void {
  for (const column of values) {
    const [ours, theirs] = [found?.[column], wanted[column]];
    if (typeof ours !== 'number' || typeof theirs !== 'number') {
      expect(ours, `${column} of ${where}`).toBe(theirs);
    } else {
      const scale = ofPrices.has(column) ? Number(found?.['close']) : Math.max(Math.abs(theirs), 1e-300);
      expect(
        Math.abs(ours - theirs) / (column === 'bb_percent_b' ? Math.max(scale, 1) : scale),
        `${column} of ${where}: ${ours}, not ${theirs}`,
      ).toBeLessThanOrEqual(tolerance);
    }
  }
}

function flat(price: number, length: number): MadeBar[] {
  return Array.from({ length }, () => madeBar(price, price, 0));
}

describe('the twelve indicators', () => {
  it('have the columns of their table', async () => {
    await putBarsTable(duck, 'bars', []);
    const wanted = indicators.columns.map(({ name, type }) => [name, duckType(type)]);
    for (const model of [indicatorsModel, newestIndicators]) {
      const described = await duck.rows(`describe ${await model(duck, { bars: 'bars' })}`);
      expect(
        described.map((row) => [
          row['column_name'],
          String(row['column_type']).toLowerCase().replace('timestamp with time zone', 'timestamptz'),
        ]),
      ).toEqual(wanted);
    }
  });

  it('are those of plain loops, on random walks with holes', async () => {
    const lengths = fc.oneof(
      fc.constantFrom(1, 20, 33, 34, 127, 128, 129, 200, 512, 513),
      fc.integer({ min: 1, max: 900 }),
    );
    const walks = fc.array(
      fc.record({
        seed: fc.nat(),
        lengths: fc.array(lengths, { minLength: 1, maxLength: 3 }),
        price: fc.constantFrom(1e-9, 0.5, 100, 1e12),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(walks, async (made) => {
        const stretches = made.map((walk) =>
          walk.lengths.map((length, i) => randomWalk(walk.seed + i, length, walk.price)),
        );
        const markets = stretches.map((parts, i) => ({
          ...{ source: 'made', symbol: `M${i}` },
          bars: parts.flatMap((part) => [...part, undefined]),
        }));
        const found = await history(markets);
        const last = await newest();
        for (const [i, parts] of stretches.entries()) {
          const rows = found.get(`M${i}`) ?? [];
          const wanted = parts.flatMap((part) => plainIndicators(part.map(({ close }) => close)));
          expect(rows).toHaveLength(wanted.length);
          for (const [at, row] of rows.entries())
            expectClose(row, wanted[at] ?? {}, 1e-9, `bar ${at} of M${i}`);
          expectClose(last.get(`M${i}`), rows.at(-1) ?? {}, 1e-12, `the newest of M${i}`);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('of a flat price are itself, without width, and RSI 0', async () => {
    const found = await history([{ source: 'made', symbol: 'FLAT', bars: flat(0.1, 600) }]);
    const rows = found.get('FLAT') ?? [];
    for (const [i, row] of [...rows.entries(), [599, (await newest()).get('FLAT') ?? {}] as const]) {
      if (i < 199) continue;
      expect(row).toMatchObject({ bb_percent_b: null, volatility_20: 0, rsi_14: 0 });
      for (const column of ['sma_20', 'sma_50', 'sma_200', 'bb_upper', 'bb_lower']) {
        expect(Math.abs(Number(row[column]) - 0.1)).toBeLessThan(1e-15);
      }
      for (const column of ['macd', 'macd_signal', 'macd_histogram'])
        expect(Math.abs(Number(row[column]))).toBeLessThan(1e-15);
    }
  });

  it('remember how a price moved before it stood still, until that is nothing', async () => {
    const walk = [...randomWalk(5, 100, 1)];
    const price = walk.at(-1)?.close ?? 1;
    for (const length of [20, 200, 350, 500, 1_200]) {
      const bars = [...walk, ...flat(price, length)];
      const rows = (await history([{ source: 'made', symbol: 'HALT', bars }])).get('HALT') ?? [];
      const wanted = plainIndicators(bars.map(({ close }) => close)).at(-1);
      expect(wanted?.['rsi_14']).toSatisfy((rsi: number) => (length < 400 ? rsi > 1 : rsi === 0));
      for (const row of [rows.at(-1), (await newest()).get('HALT')]) {
        expect(Math.abs(Number(row?.['rsi_14']) - Number(wanted?.['rsi_14']))).toBeLessThan(1e-9);
      }
    }
  });

  it('of the only bar there is are unknown', async () => {
    const found = await history([{ source: 'made', symbol: 'ONE', bars: [madeBar(1, 2)] }]);
    for (const row of [found.get('ONE')?.[0], (await newest()).get('ONE')]) {
      expect(row).toMatchObject({ close: 2, is_filled: false });
      for (const column of values) expect(row?.[column]).toBeNull();
    }
  });

  it('count filled bars, and say of each whether it is', async () => {
    const bars = randomWalk(6, 60).map((bar, i) => ({ ...bar, isFilled: i % 2 === 1 }));
    const rows = (await history([{ source: 'made', symbol: 'FILLED', bars }])).get('FILLED') ?? [];
    expect(rows.map((row) => row['is_filled'])).toEqual(bars.map(({ isFilled }) => isFilled));
    expect((await newest()).get('FILLED')).toMatchObject({ is_filled: true });
    expect(rows[49]?.['sma_50']).toBeTypeOf('number');
  });

  it('of the newest bar follow from its tail, also where that is kept as a list', async () => {
    const bars = randomWalk(9, 2_000);
    const rows = (await history([{ source: 'made', symbol: 'LONG', bars }])).get('LONG') ?? [];
    const tail = bars.slice(-tailBars);
    const closes = tail.map(({ close }) => `${close.toExponential()}::double`).join(', ');
    await duck.run(
      `create or replace table tails as select 'made' as source, 'LONG' as symbol, '1m' as "interval",
              epoch_us(timestamptz '${String(rows.at(-1)?.['open_time'])}') as open_us, [${closes}] as closes, false as is_filled`,
    );
    const [found] = await duck.rows(await newestOfTails(duck, { tails: 'tails' }));
    expect(found).toMatchObject({ open_time: rows.at(-1)?.['open_time'] });
    expectClose(found, rows.at(-1) ?? {}, 1e-12, 'the newest');
  });
});
