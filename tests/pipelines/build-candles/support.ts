import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { commitAppend } from '#core/lake/commit.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import { query } from '#core/lake/engine.ts';
import { stageFiles } from '#core/lake/stage.ts';
import { trades as tradesTable } from '#core/lake/tables.ts';
import type { Trade } from '#core/market/trade.ts';
import { buildCandles, type BuildRequest, type BuiltCandles } from '#pipelines/build-candles/build.ts';
import { dueDays, groupDays, type DueFilter } from '#pipelines/build-candles/due.ts';
import type { TestLake } from '#tests/support/lake.ts';

/** Commits trades to the lake, ids not held yet, each market as the first coin of its name. */
export async function holdTrades(
  { lake, spillDir }: Pick<TestLake, 'lake' | 'spillDir'>,
  trades: readonly Trade[],
): Promise<void> {
  await mkdir(spillDir, { recursive: true });
  const path = join(spillDir, `${randomUUID()}.json`);
  await writeFile(path, trades.map((trade) => JSON.stringify(trade)).join('\n'));
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir });
  try {
    await duck.run(
      `create temp table accepted as
       select symbol, make_timestamptz("timestampUs") as timestamp, price::decimal(18,8)::decimal(38,18) as price,
              volume::decimal(18,8)::decimal(38,18) as volume, side, "tradeId" as trade_id, source,
              now() as processing_time, make_timestamp("timestampUs")::date as date
         from read_json(${literal(path)}, format = 'newline_delimited', columns = {source: 'varchar',
              symbol: 'varchar', "tradeId": 'bigint', price: 'varchar', volume: 'varchar', side: 'varchar',
              "timestampUs": 'bigint'})`,
    );
    const runs = await duck.rows(
      `select source, symbol || '#1' as listing, min(trade_id) as lo, max(trade_id) + 1 as hi
         from (select *, trade_id - row_number() over (partition by source, symbol order by trade_id) as run from accepted)
        group by source, symbol, run order by all`,
    );
    const days = await duck.rows(
      `select source, symbol || '#1' as listing, date::varchar as day, min(trade_id) as lo, max(trade_id) as last
         from accepted group by source, symbol, date`,
    );
    await commitAppend(lake, {
      ...{ commitId: randomUUID(), table: tradesTable, explained: [], offsets: [], summary: {} },
      files: await stageFiles(duck, lake.store, tradesTable, lake.locationOf(tradesTable), 'accepted'),
      added: runs.map((run) => ({
        ...{ source: String(run['source']), listing: String(run['listing']) },
        ...{ lo: Number(run['lo']), hi: Number(run['hi']) },
      })),
      days: days.map((day) => ({
        ...{ source: String(day['source']), listing: String(day['listing']), day: String(day['day']) },
        ...{ firstId: Number(day['lo']), lastId: Number(day['last']) },
      })),
      guard: () => Promise.resolve(),
    });
  } finally {
    duck.close();
    await rm(path);
  }
}

/** Every trade of a market with its time in a span. */
export async function tradesBetween(
  exchange: Exchange,
  symbol: string,
  fromUs: number,
  toUs: number,
): Promise<Trade[]> {
  const [first] = await exchange.aggTrades({ symbol, fromUs, limit: 1 });
  const found: Trade[] = [];
  for (let id = first?.firstTradeId ?? 0; ;) {
    const page = await exchange.tradesFrom(symbol, id, 1_000);
    found.push(...page.filter(({ timestampUs }) => timestampUs < toUs));
    const last = page.at(-1);
    if (last === undefined || page.length < 1_000 || last.timestampUs >= toUs) return found;
    id = last.tradeId + 1;
  }
}

export const farFuture = Date.parse('2030-01-01T00:00:00Z') * 1_000;

/** Makes the candles of all days that are due. */
export async function buildDue(
  { lake, database, spillDir }: Pick<TestLake, 'lake' | 'database' | 'spillDir'>,
  options: DueFilter & Partial<BuildRequest> = {},
): Promise<BuiltCandles[]> {
  const { days, seq } = await dueDays(database, options);
  const built: BuiltCandles[] = [];
  for (const group of groupDays(days)) {
    built.push(await buildCandles({ lake, spillDir, group, seq, closedUs: farFuture, ...options }));
  }
  return built;
}

export async function sql({ lake, spillDir }: TestLake, text: string) {
  return (await query(lake, text, { spillDir })).rows;
}
