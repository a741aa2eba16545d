import { candlesModel } from '#core/features/candles.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles, duckType, quoted, trades } from '#core/lake/tables.ts';
import type { Interval } from '#core/market/interval.ts';
import { marketOf, type DueDay, type TradeAt } from './due.ts';

export interface MakeRequest {
  days: readonly DueDay[];
  intervals: readonly Interval[];
  /** Bars that end later are not closed. */
  closedUs: number;
}

/** Columns of candles that follow from trades. */
export const madeColumns = candles.columns.filter(
  ({ name }) => name !== 'revision' && name !== 'computed_at',
);

/** Makes DuckDB's table `made` of the candles of days, with the listing each belongs to. */
export async function makeCandles(duck: DuckDb, lake: Lake, request: MakeRequest): Promise<void> {
  const columns = madeColumns.map(({ name, type }) => `${quoted(name)} ${duckType(type)}`);
  await duck.run(
    `create or replace temp table made (${columns.join(', ')}, listing varchar, revision bigint default 1)`,
  );
  const markets = Map.groupBy(request.days, ({ source, listing }) => `${source} ${listing}`);
  for (const days of markets.values()) await makeMarket(duck, lake, { ...request, days });
}

/** One coin at a time: the model follows ids, and another coin of the same name has its own. */
async function makeMarket(
  duck: DuckDb,
  lake: Lake,
  { days, intervals, closedUs }: MakeRequest,
): Promise<void> {
  const [first] = days;
  if (first === undefined) return;
  const { source, symbol } = marketOf(first);
  const neighbours = days.flatMap(({ before, after }) => [before, after].filter((trade) => trade !== null));
  const sql = await candlesModel(duck, {
    trades: `(${await tapeOf(lake, { source, symbol, days: days.map(({ day }) => day), neighbours })})`,
    wholeDays: `(${wholeDays(source, symbol, days)})`,
  });
  const windows = days.map(({ fromDay, day }) => `"date" between ${literal(fromDay)} and ${literal(day)}`);
  await duck.run(
    `insert into made by name
     select *, ${literal(first.listing)} as listing from (${sql})
      where (${windows.join(' or ')}) and close_time < make_timestamptz(${closedUs})
        and "interval" in (${intervals.map(literal).join(', ')})`,
  );
}

interface Tape {
  source: string;
  symbol: string;
  days: readonly string[];
  neighbours: readonly TradeAt[];
}

async function tapeOf(lake: Lake, { source, symbol, days, neighbours }: Tape): Promise<string> {
  const dates = [...new Set([...days, ...neighbours.map(({ day }) => day)])];
  const { files } = await currentFiles(lake, trades, {
    filter: [
      { column: 'date', op: 'in', value: dates },
      { column: 'symbol', op: '=', value: symbol },
      { column: 'source', op: '=', value: source },
    ],
  });
  const single = neighbours.map(({ day, id }) => `or (date = ${literal(day)} and trade_id = ${id})`);
  return `select * from (${parquetRelation(trades, files)})
           where source = ${literal(source)} and symbol = ${literal(symbol)}
             and (date in (${days.map(literal).join(', ')}) ${single.join(' ')})`;
}

function wholeDays(source: string, symbol: string, days: readonly DueDay[]): string {
  const rows = days.filter(({ isWhole }) => isWhole);
  const dates = rows.map(({ day }) => `date ${literal(day)}`).join(', ');
  return `select ${literal(source)} as source, ${literal(symbol)} as symbol, unnest([${dates}]::date[]) as day`;
}
