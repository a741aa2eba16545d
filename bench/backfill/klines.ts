import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { glob, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { query } from '#core/lake/engine.ts';
import type { Runtime } from '#cli/runtime.ts';
import { backfillKlines } from '#pipelines/backfill-klines/backfill.ts';

/**
 * All daily bars of a recorded archive, from its zips into a committed table; and the simplest loop over the same zips:
 * unzip each, then DuckDB from CSV to one Parquet file. The loop checks no hash and no bar, and commits nothing.
 */
export async function klinesBackfill(): Promise<Benchmark | Missing> {
  const folder = process.env['TICKLAKE_MARKET_DATA'];
  const archive = join(folder ?? '', 'archive');
  const zips: string[] = [];
  if (folder !== undefined) {
    for await (const zip of glob(join(archive, 'data/spot/monthly/klines/*/1d/*.zip'))) zips.push(zip);
  }
  if (zips.length === 0) {
    return { missing: 'Set TICKLAKE_MARKET_DATA to a folder with a recorded archive of daily bars.' };
  }
  const runtime = await openBenchRuntime();
  return {
    lines: [{ name: 'backfill.klines', unit: 's', peerName: 'unzip, DuckDB to one Parquet' }],
    async round() {
      const source = randomUUID();
      const ours = await seconds(() => load(runtime, archive, source));
      const peerFolder = join(runtime.config.dataDir, source);
      const peer = await seconds(() => loop(zips, peerFolder));
      await expectSame(runtime, source, join(peerFolder, 'klines.parquet'));
      await rm(peerFolder, { recursive: true });
      return [{ ours, peer }];
    },
    close: () => runtime.close(),
  };
}

async function load({ lake, metrics, spillDir }: Runtime, location: string, source: string): Promise<void> {
  const archive = await openArchive({ location, metrics });
  const report = await backfillKlines({ lake, archive, source, spillDir, intervals: ['1d'] });
  if (report.failed > 0) throw new Error(`${report.failed} files were not loaded`);
}

async function loop(zips: readonly string[], folder: string): Promise<void> {
  await mkdir(folder);
  for (const path of zips) {
    const zip = await openPromise(path, { autoClose: false });
    for await (const entry of zip.eachEntry()) {
      const csv = createWriteStream(join(folder, basename(entry.fileName)));
      await pipeline(await zip.openReadStreamPromise(entry), csv);
    }
    zip.close();
  }
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: join(folder, 'tmp') });
  await duck.run(
    `copy (from read_csv(${literal(join(folder, '*.csv'))}, header = false, filename = true) order by filename, column00)
       to ${literal(join(folder, 'klines.parquet'))} (format parquet, parquet_version v2, compression zstd)`,
  );
  duck.close();
}

async function expectSame({ lake, spillDir }: Runtime, source: string, parquet: string): Promise<void> {
  const ours = await query(
    lake,
    `select count(*)::bigint as bars from market.klines where source = '${source}'`,
    {
      spillDir,
    },
  );
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '256MB', spillDir });
  const [peer] = await duck.rows(`select count(*) as bars from ${literal(parquet)}`);
  duck.close();
  const [bars, expected] = [Number(ours.rows[0]?.['bars']), Number(peer?.['bars'])];
  if (bars !== expected || bars === 0)
    throw new Error(`the lake holds ${bars} bars, the peer wrote ${expected}`);
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1_000;
}
