import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { candlesModel } from '#core/features/candles.ts';
import { currentSnapshotId, loadTable } from '#core/lake/catalog.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { indicators } from '#core/lake/feature-tables.ts';
import { createLake } from '#core/lake/create.ts';
import type { Lake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { quoted, tableId, trades, type LakeTable } from '#core/lake/tables.ts';
import type { Trade } from '#core/market/trade.ts';
import { loadConfig } from '#core/platform/config.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { marts } from '#pipelines/run-transforms/marts.ts';
import { transformsDir } from '#pipelines/run-transforms/project.ts';
import type { TransformReport } from '#pipelines/run-transforms/report.ts';
import { makeWithSpark } from '#pipelines/run-transforms/spark/make.ts';
import { sparkRelation, type SparkCatalog } from '#pipelines/run-transforms/spark/tables.ts';
import { logger, openGround, type Ground } from '#tests/cli/ground.ts';
import { buildDue, holdTrades } from '#tests/pipelines/build-candles/support.ts';
import { dayOf, dayUs } from '#tests/pipelines/run-transforms/support.ts';
import { putBars } from '#tests/support/bars.ts';
import { randomWalk } from '#tests/support/bars-table.ts';
import { installedSpark, sparkRemedy } from '#tests/support/install-spark.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { requires } from '#tests/support/require.ts';

const spark = await installedSpark();
const needsSpark = { ...requires(spark !== undefined, 'Spark', sparkRemedy), timeout: 600_000 };
// Little data: what is spread and compiled less begins sooner.
const confDir = join(import.meta.dirname, 'spark');
const source = 'binance';

/** Some of the days of a market from 2020 on, without one that is missing. */
async function bringDays(
  ground: Pick<TestLake, 'lake' | 'spillDir'>,
  symbol: string,
  seed: number,
  [from, to]: readonly [number, number],
  missing?: number,
): Promise<void> {
  const fromUs = dayOf('2020-01-01');
  const bars = randomWalk(seed, to).flatMap((bar, i) =>
    i < from || i === missing
      ? []
      : {
          ...{ openUs: fromUs + i * dayUs, open: bar.open.toFixed(8), high: bar.high.toFixed(8) },
          ...{ low: bar.low.toFixed(8), close: bar.close.toFixed(8), volume: bar.volume.toFixed(8) },
          ...{ quoteVolume: (bar.volume * bar.close).toFixed(8), trades: 1 + i },
        },
  );
  await putBars(ground, { source, listing: `${symbol}#1`, interval: '1d', bars });
}

/** Trades of two days: of prices and volumes with many digits, with minutes in which there are none, and ids that are missing. */
function tape(symbol: string, price: number, volume: number): Trade[] {
  const fromUs = dayOf('2024-03-05') + 60_000_000;
  return Array.from({ length: 1_200 }, (_, i) => ({
    ...{ source, symbol, tradeId: i + (i > 700 ? 5 : 0), side: i % 3 === 0 ? 'buy' : 'sell' },
    price: (price * (1 + Math.sin(i / 50) / 10)).toFixed(8),
    volume: (volume * (1 + (i % 17))).toFixed(8),
    timestampUs: fromUs + i * 113_000_003,
  }));
}

// Beside each other, as either waits for one thread of Spark or dbt at a time.
describe.concurrent('Spark, on the tables of the lake,', needsSpark, () => {
  let ground: Ground;
  let lake: Lake;
  let spillDir = '';
  const ducks: DuckDb[] = [];

  beforeAll(async () => {
    ground = await openGround({ SPARK_CONF_DIR: confDir });
    const config = loadConfig({ env: { TICKLAKE_DATA_DIR: ground.dataDir } });
    const store = await openFileStore(config.warehouse);
    const options = { catalogName: config.catalogName, database: ground.owner, store, logger };
    lake = await createLake({ ...options, metrics: new Metrics() });
    spillDir = join(ground.dataDir, 'test');
    await bringDays({ lake, spillDir }, 'AUSDT', 21, [0, 450], 350);
    await bringDays({ lake, spillDir }, 'BUSDT', 22, [0, 100]);
    const coins = [
      ...tape('CUSDT', 0.00001234, 512_345_678.123_456),
      ...tape('DUSDT', 98_765.432_1, 0.000_12),
    ];
    const isLate = ({ tradeId }: Trade): boolean => tradeId >= 300 && tradeId <= 310;
    const held = { lake, spillDir, database: ground.owner };
    await holdTrades(
      held,
      coins.filter((trade) => !isLate(trade)),
    );
    await buildDue(held);
    await holdTrades(held, coins.filter(isLate));
    await buildDue(held);
  });
  afterAll(async () => {
    for (const duck of ducks) duck.close();
    await ground?.close();
  });

  const openDuck = async (name: string): Promise<DuckDb> => {
    const duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: join(spillDir, name) });
    ducks.push(duck);
    return duck;
  };

  const transform = async (...argv: string[]): Promise<TransformReport> => {
    const { code, value, stderr } = await ground.ticklake('transform', 'run', ...argv);
    expect(code, stderr).toBe(0);
    return value as TransformReport;
  };

  /** A mart's rows as they are published. */
  const published = async (table: LakeTable): Promise<string> =>
    `(${parquetRelation(table, (await currentFiles(lake, table)).files)})`;

  it('publishes what DuckDB publishes within 1e-9, of whole intervals and of bars that came since', async () => {
    await transform('--interval', '1d');
    await bringDays({ lake, spillDir }, 'BUSDT', 22, [100, 400]);
    const report = await transform('--target', 'spark');
    expect(report.tests).toMatchObject({ fail: 0 });
    const { metadata } = await loadTable(lake, indicators);
    const newest = metadata.snapshots.find((each) => each['snapshot-id'] === currentSnapshotId(metadata));
    expect(newest?.summary).toMatchObject({ 'ticklake.engine': 'spark' });
    const sparks = new Map<LakeTable, string>();
    for (const { table } of marts) sparks.set(table, await published(table));

    const whole = await transform('--full-refresh');
    const duck = await openDuck('marts');
    for (const [table, rows] of sparks) {
      expect(await differences(duck, table, await published(table), rows)).toEqual([]);
    }
    const rowsOf = ({ models }: TransformReport) => new Map(models.map(({ name, rows }) => [name, rows]));
    const [made, all] = [rowsOf(report), rowsOf(whole)];
    expect(all.get('ma_crossover')).toBeGreaterThan(0);
    expect(made.get('windows')).toBeGreaterThan(500);
    // Of days, those of the market that has new ones alone.
    expect((all.get('indicators') ?? 0) - (made.get('indicators') ?? 0)).toBeGreaterThan(450);
  });

  /** As `ticklake lake catalog` says. */
  const openedCatalog = async (): Promise<SparkCatalog> => {
    const { value } = await ground.ticklake('lake', 'catalog');
    const {
      catalogName: name,
      jdbc: uri,
      ...login
    } = value as Record<'catalogName' | 'jdbc', string> & SparkCatalog;
    return { ...login, name, uri };
  };

  it('makes the candles that DuckDB makes, to the last decimal', async () => {
    const { files, snapshotId } = await currentFiles(lake, trades);
    const wholeDays = `select '${source}' as source, 'CUSDT' as symbol, date '2024-03-05' as "day"`;
    const horizons = `select '${source}' as source, 'DUSDT' as symbol, ${dayOf('2024-03-07') + 3_600_000_000} as time_us`;
    const duck = await openDuck('candles');
    const sql = await candlesModel(duck, {
      trades: `(${parquetRelation(trades, files)})`,
      wholeDays: `(${wholeDays})`,
    });
    await duck.run(`create or replace view ledger.horizons as ${horizons}`);
    await duck.run(`create table ours as ${sql}`);

    if (spark === undefined) throw new Error(sparkRemedy);
    const catalog = await openedCatalog();
    const folder = join(spillDir, 'made');
    await mkdir(folder, { recursive: true });
    await makeWithSpark({
      ...{ spark: { ...spark, confDir }, projectDir: transformsDir, folder, logger, catalog },
      models: ['candles'],
      relations: {
        [tableId(trades)]: sparkRelation(catalog, { table: trades, snapshotId }),
        'ledger.whole_days': wholeDays,
        'ledger.horizons': horizons,
      },
    });
    await duck.run(
      `create table sparks as from read_parquet(${literal(join(folder, 'marts.candles', '*.parquet'))})`,
    );
    const described = await duck.rows('describe ours');
    const columns = described.map((row) => quoted(String(row['column_name']))).join(', ');
    expect(
      await duck.rows(`select * from (select ${columns} from ours except select ${columns} from sparks)`),
    ).toEqual([]);
    expect(
      await duck.rows(`select * from (select ${columns} from sparks except select ${columns} from ours)`),
    ).toEqual([]);
    const [kinds] = await duck.rows(
      `select count(*)::integer as bars, count(*) filter (where is_filled)::integer as filled,
              count(*) filter (where not is_complete)::integer as torn from ours`,
    );
    expect(kinds?.['bars']).toBeGreaterThan(3_000);
    expect(kinds?.['filled']).toBeGreaterThan(100);
    expect(kinds?.['torn']).toBeGreaterThan(0);
  });
});

/** Columns in which two relations of a mart's rows differ by more than 1e-9, and in how many rows. */
async function differences(
  duck: DuckDb,
  { name, columns }: LakeTable,
  ours: string,
  sparks: string,
): Promise<Record<string, unknown>[]> {
  const market = 'source, symbol, "interval"';
  const key = `${market}, open_time`;
  const found: Record<string, unknown>[] = [];
  const [count] = await duck.rows(
    `select (select count(*) from ${ours})::integer as ours, (select count(*) from ${sparks})::integer as sparks,
            (select count(*) from ${ours} join ${sparks} s using (${key}))::integer as common`,
  );
  if (count?.['ours'] !== count?.['sparks'] || count?.['ours'] !== count?.['common'])
    found.push({ name, ...count });
  const apart = columns.map(({ name: column, type }) => {
    const [o, s] = [`o.${quoted(column)}`, `s.${quoted(column)}`];
    // A sum of volumes of either sign is as exact as the volumes are.
    const scale = column === 'obv' ? `max(abs(${o})) over (partition by ${market})` : '1';
    const isApart =
      type === 'double'
        ? `not (abs(${o} - ${s}) <= 1e-9 * greatest(abs(${o}), ${scale})) or (${o} is null) <> (${s} is null)`
        : `${o} is distinct from ${s}`;
    return `coalesce(${isApart}, false) as ${quoted(column)}`;
  });
  const [rows] = await duck.rows(
    `select count_if(columns(*))::integer
       from (select ${apart.join(', ')} from ${ours} o join ${sparks} s using (${key}))`,
  );
  for (const [column, differing] of Object.entries(rows ?? {})) {
    if (differing !== 0) found.push({ name, column, rows: differing });
  }
  return found;
}
