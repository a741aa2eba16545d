import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Benchmark } from '#bench/benchmark.ts';
import { appendTape, drainRate, linesOf, newTape, recordsOf } from '#bench/support/drain.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT'];
const tradesPerRound = 1_000_000;
const recordsPerAppend = 20_000;

/** Embedded log → committed Iceberg by one worker; DuckDB alone reads the same lines and writes the same Parquet. */
export async function logToIceberg(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const { dataDir } = runtime.config;
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '1GB', spillDir: runtime.spillDir });

  return {
    lines: [{ name: 'ingest.log_to_iceberg', unit: 'trades/s', peerName: 'DuckDB, one thread' }],
    async round() {
      const tape = await newTape(runtime, symbols, tradesPerRound);
      await appendTape(runtime, tape, recordsPerAppend);
      const ours = await drainRate(runtime, tape);

      const linesFile = join(dataDir, 'lines.jsonl');
      const parquet = join(dataDir, 'peer.parquet');
      await rm(linesFile, { force: true });
      for (const records of recordsOf(tape, recordsPerAppend)) await appendFile(linesFile, linesOf(records));
      const startedMs = performance.now();
      await duck.run(sortedParquet(linesFile, parquet));
      const peer = (tradesPerRound / (performance.now() - startedMs)) * 1_000;
      const [written] = await duck.rows(`select count(*) as rows from read_parquet(${literal(parquet)})`);
      if (Number(written?.['rows']) !== tradesPerRound) throw new Error('the peer did not write every trade');
      return [{ ours, peer }];
    },
    async close() {
      duck.close();
      await runtime.close();
    },
  };
}

/** The cast by way of decimal(18, 8) is the fast one, see the consumer's own. */
function sortedParquet(linesFile: string, parquet: string): string {
  return `copy (
    select symbol, make_timestamptz(timestamp_us) as timestamp, price::decimal(18,8)::decimal(38,18) as price,
           volume::decimal(18,8)::decimal(38,18) as volume, side, trade_id, source,
           now() as processing_time, make_timestamptz(timestamp_us)::date as date
      from read_json(${literal(linesFile)}, format = 'newline_delimited', columns = {
        source: 'varchar', symbol: 'varchar', trade_id: 'bigint', price: 'varchar', volume: 'varchar',
        side: 'varchar', timestamp_us: 'bigint'})
     order by symbol, trade_id
  ) to ${literal(parquet)} (format parquet, parquet_version v2, compression zstd)`;
}
