import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { extendedIndicatorsModel, indicatorsModel } from '#core/features/indicators.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { madeBar, putBarsTable, randomWalk, type MadeMarket } from '#tests/support/bars-table.ts';
import { transforms } from '#tests/support/dbt.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { hasRecordedBars, putRecordedBars } from '#tests/support/recorded-bars.ts';
import { requires } from '#tests/support/require.ts';

const needsTaLib = {
  ...requires((await pythonEnvironment('indicators')) !== undefined, 'Python with TA-Lib', pythonRemedy),
  timeout: 180_000,
};
const columns = 42;

/** What was found of a column: values, of how many either side knows it alone, and how far they are apart at most. */
interface Found {
  rows: number;
  nullsDiffer: number;
  worst: number;
  at: string;
}

let duck: DuckDb;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-indicators-'));
  duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

/** By source and column, how far both marts are from TA-Lib, or the formula of what it lacks. */
async function compare(table: string): Promise<Record<string, Record<string, Found>>> {
  const rows = join(folder, `${table}.csv`);
  const twelve = await indicatorsModel(duck, { bars: table });
  const extended = await extendedIndicatorsModel(duck, { bars: table });
  const key = '(source, symbol, "interval", open_time)';
  await duck.run(
    `copy (
       select bars.*, twelve.* exclude (source, symbol, "interval", open_time, close, is_filled, "date"),
              extended.* exclude (source, symbol, "interval", open_time, close, is_filled, "date")
         from (select *, make_timestamptz(open_us) as open_time from ${table}) as bars
         join (${twelve}) as twelve using ${key}
         join (${extended}) as extended using ${key}
     ) to ${literal(rows)} (header)`,
  );
  const project = parse(await readFile(join(transforms, 'dbt_project.yml'), 'utf8')) as {
    vars: { indicators: object };
  };
  const args = { rows, parameters: project.vars.indicators };
  return await python('engines/indicators_reference.py', args, 'indicators');
}

function expectEqual(found: Record<string, Found> | undefined): void {
  expect(Object.keys(found ?? {})).toHaveLength(columns);
  for (const [column, { nullsDiffer, worst, at }] of Object.entries(found ?? {})) {
    expect(nullsDiffer, `${column} of ${at}: rows that one knows alone`).toBe(0);
    expect(worst, `${column} of ${at}`).toBeLessThan(1e-9);
  }
}

describe('indicators equal TA-Lib or their formula, from the first row to the last', needsTaLib, () => {
  test.skipIf(!hasRecordedBars)('on the recorded daily bars of 26 markets', async () => {
    await putRecordedBars(duck, 'recorded');
    const { recorded } = await compare('recorded');
    expectEqual(recorded);
    expect(recorded?.['sma_20']?.rows).toBe(49_519 - 26 * 19);
    expect(recorded?.['macd_signal']?.rows).toBe(49_519 - 26 * 33);
  });

  test('at lengths beside full windows and blocks, after holes, at huge and tiny prices, in flat and filled bars', async () => {
    const lengths = [
      1, 2, 14, 15, 19, 20, 21, 33, 34, 35, 50, 127, 128, 129, 199, 200, 201, 512, 513, 640, 641,
    ];
    const walk = randomWalk(7, 700);
    const holed = walk.map((bar, i) => (i === 40 || i === 300 || i === 301 || i === 690 ? undefined : bar));
    const filled = walk.flatMap((bar, i) =>
      i % 50 < 3 ? [bar, { ...madeBar(bar.close, bar.close, 0, 0), isFilled: true }] : [bar],
    );
    const markets: MadeMarket[] = [
      ...lengths.map((length) => ({
        source: 'lengths',
        symbol: `L${length}`,
        bars: randomWalk(length, length),
      })),
      { source: 'holes', symbol: 'H', bars: holed },
      { source: 'filled', symbol: 'F', bars: filled },
      { source: 'huge', symbol: 'B', bars: randomWalk(3, 600, 1e12) },
      { source: 'tiny', symbol: 'S', bars: randomWalk(4, 600, 1e-9) },
    ];
    await putBarsTable(duck, 'made', markets);
    const found = await compare('made');
    for (const source of ['lengths', 'holes', 'filled', 'huge', 'tiny']) expectEqual(found[source]);
  });
});
