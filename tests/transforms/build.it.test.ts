import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { candles, klines, quoted, trades } from '#core/lake/tables.ts';
import { putBarsTable, randomWalk } from '#tests/support/bars-table.ts';
import { buildIn } from '#tests/support/dbt.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsDbt = requires((await pythonEnvironment('dbt')) !== undefined, 'dbt', pythonRemedy);

let folder = '';
let duck: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-transforms-'));
  duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: join(folder, 'spill') });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

/** The sources in a database of their own: the venue's bars, ours with other closes but for the first, and no trades. */
async function writeSources(database: string): Promise<void> {
  const walk = randomWalk(11, 600);
  await putBarsTable(duck, 'bars', [
    { source: 'v', symbol: 'A', bars: walk.map((bar, i) => (i === 300 ? undefined : bar)) },
    { source: 'v', symbol: 'B', bars: randomWalk(12, 5) },
  ]);
  await duck.run(`attach ${literal(database)} as work`);
  for (const schema of ['market', 'ledger']) await duck.run(`create schema work.${schema}`);
  const empty = (table: typeof klines): string => `(${parquetRelation(table, [])})`;
  await duck.run(`create table work.market.klines as from ${empty(klines)}`);
  await duck.run(`create table work.market.candles as from ${empty(candles)}`);
  await duck.run(`create table work.market.trades as from ${empty(trades)}`);
  await duck.run('create table work.ledger.whole_days (source varchar, symbol varchar, day date)');
  await duck.run('create table work.ledger.horizons (source varchar, symbol varchar, time_us bigint)');
  const columns = klines.columns.map(({ name }) => quoted(name)).join(', ');
  await duck.run(
    `insert into work.market.klines by name
     select ${columns} from (
       select *, make_timestamptz(open_us) as open_time, make_timestamptz(open_us + length_us - 1) as close_time,
              0 as taker_buy_volume, 0 as taker_buy_quote_volume, make_timestamp(open_us)::date as "date" from bars)`,
  );
  await duck.run(
    `insert into work.market.candles by name
     select * replace (case when row_number() over (order by open_time) = 1 then close else close + 1 end as close),
            true as is_complete, 1 as revision, now() as computed_at from work.market.klines where symbol = 'B'`,
  );
  await duck.run('detach work');
}

describe('dbt', { ...needsDbt, timeout: 180_000 }, () => {
  test('builds the project: contracts, unit tests and data tests hold, and candles that are not klines are told', async () => {
    const database = join(folder, 'memory.duckdb');
    await writeSources(database);
    const results = await buildIn(folder, database);
    const bad = [...results].filter(([, status]) => !['success', 'pass', 'no-op'].includes(status));
    expect(bad).toEqual([['test.candles_equal_klines', 'warn']]);
    const kinds = Map.groupBy(results.keys(), (id) => id.slice(0, id.indexOf('.')));
    expect(kinds.get('unit_test')?.length).toBeGreaterThanOrEqual(5);
    expect(kinds.get('test')?.length).toBeGreaterThan(100);
    expect(kinds.get('model')).toContain('model.windows');
    await duck.run(`attach ${literal(database)} as work (read_only)`);
    const [counts] = await duck.rows(
      `select (select count(*)::integer from work.features.indicators) as indicators,
              (select count(*)::integer from work.features.windows) as windows,
              (select count(*)::integer from work.features.labels where sell is not null) as labels`,
    );
    // Two stretches of 300 and 299 bars, each with windows from its 214th on, and five bars of the other market.
    expect(counts).toEqual({ indicators: 604, windows: 300 - 213 + 299 - 213, labels: 299 + 298 + 4 });
  });
});
