import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { DuckDb, literal } from '#core/lake/duckdb.ts';

/**
 * The simplest loop over zips of the archive, as a peer: unzip each into `folder`, then DuckDB from CSV to one Parquet
 * file. It checks no hash and no row, and commits nothing. Answers the file's path.
 */
export async function loopOverZips(
  zips: readonly string[],
  folder: string,
  order: readonly string[],
): Promise<string> {
  await mkdir(folder);
  for (const path of zips) {
    const zip = await openPromise(path, { autoClose: false });
    for await (const entry of zip.eachEntry()) {
      const csv = createWriteStream(join(folder, basename(entry.fileName)));
      await pipeline(await zip.openReadStreamPromise(entry), csv);
    }
    zip.close();
  }
  const parquet = join(folder, 'all.parquet');
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: join(folder, 'tmp') });
  await duck.run(
    `copy (from read_csv(${literal(join(folder, '*.csv'))}, header = false, filename = true) order by ${order.join(', ')})
       to ${literal(parquet)} (format parquet, parquet_version v2, compression zstd)`,
  );
  duck.close();
  return parquet;
}

export async function rowsIn(parquet: string, spillDir: string): Promise<number> {
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '256MB', spillDir });
  const [row] = await duck.rows(`select count(*) as rows from ${literal(parquet)}`);
  duck.close();
  return Number(row?.['rows']);
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1_000;
}
