import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { Metrics } from '#core/platform/metrics.ts';

const marketData =
  process.env['TICKLAKE_MARKET_DATA'] ?? resolve(import.meta.dirname, '../../../shared/market-data');
const location = join(marketData, 'archive');

/** Whether recorded bars lie on this machine; they are no part of the project, and nothing installs them. */
export const hasRecordedBars = existsSync(join(location, 'data/spot'));

/** Puts the recorded daily bars of all markets into a table with the columns of the model `int_bars`. */
export async function putRecordedBars(duck: DuckDb, table: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'recorded-bars-'));
  try {
    const archive = await openArchive({ location, metrics: new Metrics() });
    await duck.run(`create table ${table} (source varchar, symbol varchar, "interval" varchar, length_us bigint, open_us bigint,
      open double, high double, low double, close double, volume double, quote_volume double, trade_count bigint, is_filled boolean)`);
    for (const series of await archive.series()) {
      if (series.kind !== 'klines' || series.interval !== '1d') continue;
      const files = await archive.list(series);
      const fetched = await Promise.all(files.map((file) => archive.fetch(file, folder)));
      for (const [unit, perUnit] of [
        ['ms', 1_000],
        ['us', 1],
      ] as const) {
        const paths = fetched
          .filter(({ timeUnit }) => timeUnit === unit)
          .map(({ csvPath }) => literal(csvPath));
        if (paths.length === 0) continue;
        await duck.run(
          `insert into ${table}
           select 'recorded', ${literal(series.symbol)}, '1d', 86400000000, column00 * ${perUnit},
                  column01, column02, column03, column04, column05, column07, column08, false
             from read_csv([${paths.join(', ')}], header = false)`,
        );
      }
      await Promise.all(fetched.map(({ remove }) => remove()));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
