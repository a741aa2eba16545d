import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { marketData } from '#bench/support/market-data.ts';
import { expectHeld, openBenchRuntime } from '#bench/support/runtime.ts';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { fileOf } from '#core/exchanges/binance/archive/layout.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Runtime } from '#cli/runtime.ts';
import { backfillTrades } from '#pipelines/backfill-trades/backfill.ts';
import { loopOverZips, rowsIn, secondsOf } from './zip-loop.ts';

const tradesOfLargeDay = 2_000_000;

/**
 * The recorded tape's archive from its zips into a committed table, and one large day that is made for it; each beside the
 * simplest loop over the same zips. What is recorded are a few small files: there the commits are measured.
 */
export async function tradesBackfill(): Promise<Benchmark | Missing> {
  if ((await zipsIn(join(marketData, 'archive'))).length === 0) {
    return { missing: 'Set TICKLAKE_MARKET_DATA to a folder with a recorded archive of trades.' };
  }
  const runtime = await openBenchRuntime();
  const large = join(runtime.config.dataDir, 'large-day');
  await makeLargeDay(large);
  const peerName = 'unzip, DuckDB to one Parquet';
  return {
    lines: [
      { name: 'backfill.trades', unit: 'trades/s', peerName },
      { name: 'backfill.trades_2m', unit: 'trades/s', peerName },
    ],
    async round() {
      return [await ratesOf(runtime, join(marketData, 'archive')), await ratesOf(runtime, large)];
    },
    close: () => runtime.close(),
  };
}

async function ratesOf(runtime: Runtime, archive: string): Promise<{ ours: number; peer: number }> {
  const source = randomUUID();
  const { lake, metrics, spillDir } = runtime;
  let rows = 0;
  const seconds = await secondsOf(async () => {
    const opened = await openArchive({ location: archive, metrics });
    const report = await backfillTrades({ lake, archive: opened, source, spillDir });
    if (report.failed > 0) throw new Error(`${report.failed} files were not loaded`);
    rows = report.rows;
  });
  const folder = join(runtime.config.dataDir, source);
  const zips = await zipsIn(archive);
  let parquet = '';
  const peerSeconds = await secondsOf(async () => {
    parquet = await loopOverZips(zips, folder, ['filename', 'column0']);
  });
  const expected = await rowsIn(parquet, spillDir);
  if (rows !== expected) throw new Error(`${rows} trades were brought, the peer wrote ${expected}`);
  await expectHeld(runtime, source, expected);
  await rm(folder, { recursive: true });
  return { ours: rows / seconds, peer: rows / peerSeconds };
}

async function zipsIn(archive: string): Promise<string[]> {
  const zips: string[] = [];
  for await (const zip of glob(join(archive, 'data/spot/*/trades/*/*.zip'))) zips.push(zip);
  return zips.sort();
}

/** A day as a busy market has it, with prices and quantities that do not compress better than real ones. */
async function makeLargeDay(folder: string): Promise<void> {
  const file = fileOf({ kind: 'trades', symbol: 'BTCUSDT' }, 'daily', '2024-03-05');
  if (file === undefined) throw new RangeError('no such day');
  const path = join(folder, file.path);
  await mkdir(dirname(path), { recursive: true });
  const csv = join(folder, 'day.csv');
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: join(folder, 'tmp') });
  await duck.run(
    `copy (select 3_000_000_000 + i, printf('%.2f', 60000 + (hash(i) % 100000) / 100.0),
                  printf('%.5f', 0.00001 + (hash(i + 7) % 100000) / 100000.0), '1.00000000',
                  ${file.period.fromUs / 1_000} + (i * 86_400_000) // ${tradesOfLargeDay},
                  case when i % 3 = 0 then 'True' else 'False' end, 'True'
             from range(${tradesOfLargeDay}) r(i)) to ${literal(csv)} (header false)`,
  );
  duck.close();
  const zip = new ZipFile();
  zip.addFile(csv, file.name.replace(/\.zip$/, '.csv'));
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  await writeFile(`${path}.CHECKSUM`, `${sha256}  ${file.name}\n`);
  await rm(csv);
}
