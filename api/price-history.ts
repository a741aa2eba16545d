import type { Lake } from '#core/lake/lake.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles, klines, quoted } from '#core/lake/tables.ts';
import { parseDecimal, type Decimal } from '#core/market/decimal.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { DuckReader } from './duck-reader.ts';

export interface ClosesRequest {
  source: string;
  symbols: readonly string[];
  /** Moments by the venue's clock, in microseconds. */
  timesUs: readonly number[];
}

/** A close, and when its bar was over. */
export interface Close {
  price: Decimal;
  closedUs: number;
}

/** By symbol and time. */
export type Closes = ReadonlyMap<string, ReadonlyMap<number, Close>>;

/** Prices as they were. */
export interface PriceHistory {
  /**
   * The newest close that was there at each time, at most a day old: of the shortest bars that the span lets be read, and of
   * hours and days where those are missing. @throws TIMEOUT, OVERLOADED
   */
  closes(request: ClosesRequest, signal: AbortSignal): Promise<Closes>;
}

const barsMax = 2_000_000;
const dayUs = 86_400_000_000;
const shortest: readonly Interval[] = ['1m', '5m', '15m', '1h'];
const liveSql = sqlFile(import.meta.url, 'sql/prices/live.sql');
const closesSql = sqlFile(import.meta.url, 'sql/prices/closes.sql');

/** Prices as the lake has them, and those of minutes that it has not yet as the role `stream` wrote them down. */
export function lakePriceHistory({ lake, reader }: { lake: Lake; reader: DuckReader }): PriceHistory {
  return {
    async closes(request, signal) {
      const { source, symbols, timesUs } = request;
      if (symbols.length === 0 || timesUs.length === 0) return new Map();
      const [fromUs, toUs] = [least(timesUs) - 2 * dayUs, greatest(timesUs)];
      const intervals = intervalsOf(symbols.length, toUs - fromUs);
      // First, as what is committed meanwhile is found in the lake.
      const { rows: live } = await lake.database.query(liveSql, [source, symbols, fromUs, toUs]);
      const relations = await Promise.all(
        [klines, candles].map(async (table) => {
          const { files } = await currentFiles(lake, table, {
            filter: [
              { column: 'source', op: '=', value: source },
              { column: 'symbol', op: 'in', value: symbols },
              { column: 'interval', op: 'in', value: intervals },
              { column: 'open_time', op: '>=', value: fromUs },
              { column: 'open_time', op: '<=', value: toUs },
            ],
          });
          return { table, rows: latestRevisions(table, parquetRelation(table, files)) };
        }),
      );
      const rows = await reader.turn(
        'closes',
        async (duck) => {
          for (const { table, rows: relation } of relations)
            await duck.run(`create or replace temp view ${quoted(table.name)} as ${relation}`);
          signal.throwIfAborted();
          return await duck.rows(closesSql, {
            ...{ source, from_us: BigInt(fromUs), to_us: BigInt(toUs), live: JSON.stringify(live) },
            symbols: JSON.stringify(symbols),
            times: JSON.stringify([...new Set(timesUs)]),
            lengths: JSON.stringify(intervals.map((interval) => ({ interval, us: intervalUs(interval) }))),
          });
        },
        signal,
      );
      return byMarket(rows);
    },
  };
}

/** The shortest bars of which there are not too many, and those that take their place where there are none. */
function intervalsOf(markets: number, spanUs: number): Interval[] {
  const fits = (interval: Interval): boolean => (markets * spanUs) / intervalUs(interval) <= barsMax;
  const finest = shortest.find(fits) ?? '1h';
  return [...new Set<Interval>([finest, '1h', '1d'])];
}

function byMarket(rows: readonly Record<string, unknown>[]): Closes {
  const closes = new Map<string, Map<number, Close>>();
  for (const row of rows) {
    const [atUs, closedUs] = [Number(row['at_us']), Number(row['closed_us'])];
    if (atUs - closedUs > dayUs) continue;
    const symbol = String(row['symbol']);
    const market = closes.get(symbol) ?? new Map<number, Close>();
    closes.set(symbol, market.set(atUs, { price: parseDecimal(String(row['close'])), closedUs }));
  }
  return closes;
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function greatest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}
