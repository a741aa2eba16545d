import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { candles, klines, quoted } from '#core/lake/tables.ts';
import { putBarsTable, randomWalk } from '#tests/support/bars-table.ts';
import { buildIn, compileForSpark } from '#tests/support/dbt.ts';
import { madePython, python } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const hasJava = await execa('java', ['-version'], { reject: false }).then(({ failed }) => !failed);
const hasSpark = hasJava && (await madePython('spark')) !== undefined;
const remedy = 'Install Java 17, and run `node tests/support/install-python.ts spark` (half a gigabyte).';
const needsSpark = { ...requires(hasSpark, 'Spark', remedy), timeout: 600_000 };
const marts = [
  'features.indicators',
  'features.indicators_extended',
  'features.windows',
  'features.labels',
  'features.daily_metrics',
  'signals.ma_crossover',
];

let folder = '';
let duck: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-spark-'));
  duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: join(folder, 'spill') });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

/** Days of two markets, one of them with a hole, as the sources in a database for dbt and as Parquet for Spark. */
async function writeSources(database: string): Promise<Record<string, string>> {
  const walk = randomWalk(21, 900);
  await putBarsTable(duck, 'bars', [
    { source: 'v', symbol: 'A', bars: walk.map((bar, i) => (i === 350 ? undefined : bar)) },
    { source: 'v', symbol: 'B', bars: randomWalk(22, 400) },
  ]);
  await duck.run(`attach ${literal(database)} as work`);
  for (const schema of ['market', 'ledger']) await duck.run(`create schema work.${schema}`);
  const columns = klines.columns.map(({ name }) => quoted(name)).join(', ');
  await duck.run(`create table work.market.klines as from (${parquetRelation(klines, [])})`);
  await duck.run(
    `insert into work.market.klines by name
     select ${columns} from (
       select * exclude (open_us, length_us, "interval"), '1d' as "interval",
              make_timestamptz(open_us // length_us * 86400000000) as open_time, open_time + interval 1 day as close_time,
              0 as taker_buy_volume, 0 as taker_buy_quote_volume, open_time::date as "date" from bars)`,
  );
  await duck.run(`create table work.market.candles as from (${parquetRelation(candles, [])})`);
  await duck.run(`create table work.market.trades (symbol varchar, timestamp timestamptz, price decimal(38, 18),
    volume decimal(38, 18), side varchar, trade_id bigint, source varchar)`);
  await duck.run('create table work.ledger.whole_days (source varchar, symbol varchar, day date)');
  await duck.run('create table work.ledger.horizons (source varchar, symbol varchar, time_us bigint)');
  const sources: Record<string, string> = {};
  for (const { namespace, name } of [klines, candles]) {
    const path = join(folder, `${name}.parquet`);
    await duck.run(`copy work.${namespace}.${name} to ${literal(path)}`);
    sources[`${namespace}.${name}`] = path;
  }
  await duck.run('detach work');
  return sources;
}

/** Columns in which two relations of the same rows differ by more than 1e-9, and by how much. */
async function differences(mart: string): Promise<Record<string, unknown>[]> {
  const spark = `read_parquet(${literal(join(folder, mart, '*.parquet'))})`;
  const described = await duck.rows(`describe work.${mart}`);
  const found: Record<string, unknown>[] = [];
  const key = 'source, symbol, "interval", open_time';
  const [count] = await duck.rows(
    `select (select count(*) from work.${mart})::integer as ours, (select count(*) from ${spark})::integer as sparks,
            (select count(*) from work.${mart} join ${spark} s using (${key}))::integer as common`,
  );
  if (count?.['ours'] !== count?.['sparks'] || count?.['ours'] !== count?.['common'])
    found.push({ mart, ...count });
  for (const row of described) {
    const column = quoted(String(row['column_name']));
    const apart =
      row['column_type'] === 'DOUBLE'
        ? `not (abs(o.${column} - s.${column}) <= 1e-9 * greatest(abs(o.${column}), 1)) or (o.${column} is null) <> (s.${column} is null)`
        : `o.${column} is distinct from s.${column}`;
    const [differing] = await duck.rows(
      `select count(*)::integer as rows from work.${mart} o join ${spark} s using (${key}) where ${apart}`,
    );
    if (differing?.['rows'] !== 0) found.push({ mart, column, ...differing });
  }
  return found;
}

describe('Spark', needsSpark, () => {
  test('makes of the same bars the marts that DuckDB makes', async () => {
    const database = join(folder, 'memory.duckdb');
    const sources = await writeSources(database);
    await buildIn(folder, database);
    const compiled = await compileForSpark(folder);
    const path = (mart: string): string => join(compiled, 'marts', ...mart.split('.')) + '.sql';
    const models = Object.fromEntries([
      ['intermediate.int_bars', join(compiled, 'intermediate', 'int_bars.sql')],
      ...marts.map((mart) => [mart, path(mart)]),
    ]) as Record<string, string>;
    await python('engines/spark_marts.py', { folder, sources, models }, 'spark');
    await duck.run(`attach ${literal(database)} as work (read_only)`);
    for (const mart of marts) expect(await differences(mart)).toEqual([]);
    const [rows] = await duck.rows('select count(*)::integer as windows from work.features.windows');
    expect(rows?.['windows']).toBeGreaterThan(500);
  });
});
