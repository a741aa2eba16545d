import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableId } from '#core/lake/tables.ts';
import { barsWanted, insertRanges } from '../inputs.ts';
import type { BarRange, Plan } from '../plan.ts';
import type { SparkEnvironment } from './environment.ts';
import { makeWithSpark, type SparkMake } from './make.ts';
import { barsWithin, sparkRelation, type SparkCatalog } from './tables.ts';

/** What Spark needs to make marts. */
export interface SparkEngine {
  open: (signal?: AbortSignal) => Promise<SparkEnvironment>;
  catalog: SparkCatalog;
}

/**
 * Makes the marts of a plan with Spark, of the same snapshots and bars as DuckDB would. Answers the folder that has each as
 * Parquet.
 * @throws what opening Spark and {@link makeWithSpark} throw.
 */
export async function makeMarts(
  lake: Lake,
  { open, catalog }: SparkEngine,
  plan: Plan,
  what: Pick<SparkMake, 'projectDir' | 'folder' | 'models' | 'logger' | 'signal'>,
): Promise<string> {
  const spark = await open(what.signal);
  const folder = join(what.folder, 'spark');
  await mkdir(folder, { recursive: true });
  const { whole, ranges } = barsWanted(plan);
  const rangesFile = join(folder, 'ranges.parquet');
  await writeRanges(ranges, rangesFile);
  const where = barsWithin([...whole], rangesFile);
  const relations = Object.fromEntries(
    plan.sources.map((source) => [tableId(source.table), sparkRelation(catalog, { ...source, where })]),
  );
  const release = await lake.leases.hold();
  try {
    await makeWithSpark({ ...what, spark, folder, catalog, relations });
  } finally {
    release();
  }
  return folder;
}

async function writeRanges(ranges: readonly BarRange[], path: string): Promise<void> {
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '256MB', spillDir: `${path}.spill` });
  try {
    await duck.run(
      'create temp table ranges (source varchar, symbol varchar, "interval" varchar, lo bigint, hi bigint)',
    );
    await insertRanges(duck, 'ranges', ranges);
    await duck.run(`copy ranges to ${literal(path)} (format parquet)`);
  } finally {
    duck.close();
  }
}
