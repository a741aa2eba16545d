import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indicators, windows } from '#core/lake/feature-tables.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import { bringBars, dayOf, rowsOf, transform } from '#tests/pipelines/run-transforms/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const hasPython = [await pythonEnvironment(), await pythonEnvironment('dbt')].every(
  (each) => each !== undefined,
);
const needsPython = requires(hasPython, 'Python with PyIceberg and dbt', pythonRemedy);
const bars = 260;
const models = ['indicators', 'windows'];

describe('marts that two runs have published at once', { ...needsPython, timeout: 180_000 }, () => {
  let ground: TestLake;

  beforeAll(async () => {
    ground = await openTestLake();
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
      await bringBars(ground, { symbol, interval: '1d', fromUs: dayOf('2023-05-01'), bars });
    }
    const runs = await Promise.allSettled([transform(ground, { models }), transform(ground, { models })]);
    expect(runs.map(({ status }) => status)).toContain('fulfilled');
    for (const run of runs) {
      // The later one finds that the marts are not those it has planned for.
      if (run.status === 'rejected')
        expect(isTicklakeError(run.reason, 'PLAN_STALE'), String(run.reason)).toBe(true);
    }
  });
  afterAll(() => ground?.close());

  it('are there once, in one commit each', async () => {
    expect(await listSnapshots(ground.lake, indicators)).toHaveLength(1);
    expect(await rowsOf(ground, 'select count(*)::int as rows from features.indicators')).toEqual([
      { rows: 2 * bars },
    ]);
  });

  it.each([
    ['indicators', indicators, 'sum(sma_200::decimal(38, 10))', 'count(macd)'],
    ['windows', windows, 'sum(sma_200_14::decimal(38, 10))', 'sum(below_all_smas_0::decimal(38, 10))'],
  ])('%s are the same to PyIceberg, to DuckDB and to our SQL', async (_name, table, ...sums) => {
    const [decisive, other] = sums;
    const select = [
      'count(*)::varchar as rows',
      'min(open_time)::varchar as first, max(open_time)::varchar as last',
      // Of decimals: sums of doubles differ with the order of the rows.
      `(${decisive})::varchar as decisive, (${other})::varchar as other`,
    ].join(', ');
    const { metadataLocation: metadata } = await currentFiles(ground.lake, table);
    const foreign = await python<Record<string, Record<string, unknown>[]>>('engines/iceberg_reader.py', {
      ...{ metadata, questions: [{ select }] },
    });
    const [ours] = await rowsOf(ground, `select ${select} from features.${table.name}`);
    expect(ours).toMatchObject({ rows: String(2 * (table === indicators ? bars : bars - 213)) });
    expect(foreign['pyiceberg']).toEqual([ours]);
    expect(foreign['duckdb']).toEqual([ours]);
  });
});
