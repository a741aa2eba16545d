import { randomUUID } from 'node:crypto';
import { glob, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { marketData } from '#bench/support/market-data.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { query } from '#core/lake/engine.ts';
import type { Runtime } from '#cli/runtime.ts';
import { backfillKlines } from '#pipelines/backfill-klines/backfill.ts';
import { loopOverZips, rowsIn, secondsOf } from './zip-loop.ts';

/**
 * All daily bars of a recorded archive, from its zips into a committed table, beside the simplest loop over the same zips.
 */
export async function klinesBackfill(): Promise<Benchmark | Missing> {
  const archive = join(marketData, 'archive');
  const zips: string[] = [];
  for await (const zip of glob(join(archive, 'data/spot/monthly/klines/*/1d/*.zip'))) zips.push(zip);
  if (zips.length === 0) {
    return { missing: 'Set TICKLAKE_MARKET_DATA to a folder with a recorded archive of daily bars.' };
  }
  const runtime = await openBenchRuntime();
  return {
    lines: [{ name: 'backfill.klines', unit: 's', peerName: 'unzip, DuckDB to one Parquet' }],
    async round() {
      const source = randomUUID();
      const ours = await secondsOf(() => load(runtime, archive, source));
      const peerFolder = join(runtime.config.dataDir, source);
      let parquet = '';
      const peer = await secondsOf(async () => {
        parquet = await loopOverZips(zips, peerFolder, ['filename', 'column00']);
      });
      await expectSame(runtime, source, parquet);
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

async function expectSame({ lake, spillDir }: Runtime, source: string, parquet: string): Promise<void> {
  const ours = await query(
    lake,
    `select count(*)::bigint as bars from market.klines where source = '${source}'`,
    {
      spillDir,
    },
  );
  const [bars, expected] = [Number(ours.rows[0]?.['bars']), await rowsIn(parquet, spillDir)];
  if (bars !== expected || bars === 0)
    throw new Error(`the lake holds ${bars} bars, the peer wrote ${expected}`);
}
