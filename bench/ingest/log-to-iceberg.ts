import { randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { query } from '#core/lake/engine.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { knowSymbols, openTestLake, tradeRecords } from '#tests/support/lake.ts';
import type { Benchmark } from '#bench/benchmark.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT'];
const tradesPerRound = 800_000;
const appendRecords = 20_000;
const drainMsMax = 120_000;

/** Embedded log → committed Iceberg by one worker; DuckDB alone reads the same lines and writes the same Parquet. */
export async function logToIceberg(): Promise<Benchmark> {
  const lake = await openTestLake();
  const linesFile = join(lake.dir, 'lines.jsonl');
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '1GB', spillDir: lake.spillDir });

  return {
    name: 'ingest.log_to_iceberg',
    unit: 'trades/s',
    peerName: 'DuckDB, one thread',
    async round() {
      const source = `bench-${randomUUID().slice(0, 8)}`;
      await knowSymbols(lake.database, source, symbols);
      const records = symbols.flatMap((symbol) =>
        tradeRecords(source, symbol, 0, tradesPerRound / symbols.length),
      );
      for (let start = 0; start < records.length; start += appendRecords) {
        await lake.log.append(tradesTopic, records.slice(start, start + appendRecords));
      }
      await writeFile(linesFile, records.map((record) => record.value).join('\n') + '\n');

      const oursAt = performance.now();
      const consumer = await lake.startConsumer();
      await Promise.race([consumer.drained(AbortSignal.timeout(drainMsMax)), consumer.failed]);
      const ours = (tradesPerRound / (performance.now() - oursAt)) * 1_000;
      await consumer.close();
      const { rows } = await query(
        lake.lake,
        `select count(*) as held, count(distinct (symbol, trade_id)) as ids from market.trades where source = '${source}'`,
        { spillDir: lake.spillDir },
      );
      if (Number(rows[0]?.['held']) !== tradesPerRound || Number(rows[0]?.['ids']) !== tradesPerRound) {
        throw new Error(`the lake holds ${JSON.stringify(rows[0])}, not ${tradesPerRound} trades`);
      }

      const parquet = join(lake.dir, 'peer.parquet');
      const peerAt = performance.now();
      await duck.run(
        `copy (
           select symbol, make_timestamptz(timestamp_us) as timestamp, price::decimal(18,8)::decimal(38,18) as price,
                  volume::decimal(18,8)::decimal(38,18) as volume, side, trade_id, source,
                  now() as processing_time, make_timestamptz(timestamp_us)::date as date
             from read_json(${literal(linesFile)}, format = 'newline_delimited', columns = {
               source: 'varchar', symbol: 'varchar', trade_id: 'bigint', price: 'varchar', volume: 'varchar',
               side: 'varchar', timestamp_us: 'bigint'})
            order by symbol, trade_id
         ) to ${literal(parquet)} (format parquet, parquet_version v2, compression zstd)`,
      );
      const peer = (tradesPerRound / (performance.now() - peerAt)) * 1_000;
      if ((await stat(parquet)).size === 0) throw new Error('the peer wrote nothing');
      return { ours, peer };
    },
    async close() {
      duck.close();
      await lake.close();
    },
  };
}
