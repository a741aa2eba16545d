import { barsModel } from '#core/features/bars.ts';
import { tailBars } from '#core/features/indicators.ts';
import { lateUs, type LiveCandles } from '#core/features/live-candles.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles, klines, tableId, trades } from '#core/lake/tables.ts';
import { intervals, intervalUs, type Interval } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Tails } from './tails.ts';

const keptBarsSql = sqlFile(import.meta.url, 'sql/kept-bars.sql');

/** Markets of one venue that are to be gone on with. */
export interface VenueMarkets {
  source: string;
  markets: readonly { symbol: string; listing: string }[];
  /** The venue's time as last noted, microseconds. */
  timeUs: number;
}

const dayUs = 86_400_000_000;
const minuteUs = 60_000_000;
const daysBackMax = 2;

export interface LoadTarget {
  lake: Lake;
  duck: DuckDb;
  live: LiveCandles;
  tails: Tails;
}

/**
 * Rebuilds open bars and tails from what is committed: the trades since the day began in which bars may still be open or
 * revised, and the newest bars. What the log has beyond the offsets of ingest, read before this, comes on top.
 */
export async function loadVenue(target: LoadTarget, venue: VenueMarkets): Promise<void> {
  const symbols = venue.markets.map(({ symbol }) => symbol);
  if (symbols.length === 0) return;
  await loadTrades(target, venue);
  for (const interval of intervals) await loadTail(target, venue, interval);
}

async function loadTrades({ lake, live }: LoadTarget, venue: VenueMarkets): Promise<void> {
  const { source, timeUs } = venue;
  const symbols = venue.markets.map(({ symbol }) => symbol);
  const said = await saidUntil(lake, source, symbols);
  // Since it was last said anything, but for some days at most: what is older the batch says.
  const stoppedUs = Math.min(timeUs, [...said.values()].reduce((a, b) => Math.max(a, b), 0) || timeUs);
  const fromUs = Math.max(stoppedUs, timeUs - daysBackMax * dayUs) - lateUs;
  const floorUs = Math.floor(fromUs / dayUs) * dayUs;
  const before = await tradesBefore(lake, venue, floorUs);
  const day = (us: number): string => new Date(us / 1_000).toISOString().slice(0, 10);
  const of = [
    { column: 'source', op: '=' as const, value: source },
    { column: 'symbol', op: 'in' as const, value: symbols },
  ];
  const since = { column: 'date', op: '>=' as const, value: day(floorUs) };
  const { files } = await currentFiles(lake, trades, { filter: [...of, since] });
  const days = [...new Set(before.map((trade) => trade.day))];
  const beside =
    days.length === 0
      ? []
      : (await currentFiles(lake, trades, { filter: [...of, { column: 'date', op: 'in', value: days }] }))
          .files;
  if (files.length + beside.length === 0) return;
  const neighbours = before.map(
    ({ symbol, id, day: on }) => `(${literal(on)}::date, ${literal(symbol)}, ${id}::bigint)`,
  );
  const secondsFromUs = timeUs - 2 * minuteUs;
  await live.take(
    `(select * from (${parquetRelation(trades, files)})
       where source = ${literal(source)} and symbol in (${symbols.map(literal).join(', ')})
         and date >= ${literal(day(floorUs))}
      ${
        neighbours.length === 0
          ? ''
          : `union all
             select * from (${parquetRelation(trades, beside)})
              where source = ${literal(source)} and (date, symbol, trade_id) in (${neighbours.join(', ')})`
      })`,
    { secondsFromUs },
  );
  const isContinued = new Set(before.map(({ symbol }) => symbol));
  for (const symbol of symbols) {
    const firstUs = live.closedUs({ source, symbol });
    if (firstUs === undefined) continue;
    const marketFloorUs = isContinued.has(symbol) ? floorUs : 0;
    const saidUs = said.get(symbol);
    // Bars of late are said again, in case that trades came to them meanwhile: those as they were are passed over.
    const closedUs = Math.max(marketFloorUs, saidUs === undefined ? firstUs : saidUs - lateUs);
    const fromUs = Math.max(marketFloorUs, saidUs ?? secondsFromUs);
    live.resume(
      { source, symbol },
      { minutes: { floorUs: marketFloorUs, closedUs }, seconds: { floorUs: fromUs, closedUs: fromUs } },
    );
  }
}

/** The last trade of each market before a day: its price is carried, and the first bar joins on to it. */
async function tradesBefore(
  lake: Lake,
  { source, markets }: VenueMarkets,
  floorUs: number,
): Promise<{ symbol: string; id: number; day: string }[]> {
  const { rows } = await lake.database.query<{ listing: string; id: number; day: string }>(
    `select distinct on (listing) listing, last_id as id, day::text as day from lake.tape_days
      where table_name = $1 and source = $2 and listing = any($3) and day < $4
      order by listing, lake.tape_days.day desc`,
    [
      ...[tableId(trades), source, markets.map(({ listing }) => listing)],
      new Date(floorUs / 1_000).toISOString().slice(0, 10),
    ],
  );
  const symbols = new Map(markets.map(({ listing, symbol }) => [listing, symbol]));
  return rows.map(({ listing, ...trade }) => ({ ...trade, symbol: symbols.get(listing) ?? '' }));
}

/** Where the newest minute that was said ends, by market. */
async function saidUntil(
  lake: Lake,
  source: string,
  symbols: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await lake.database.query<{ symbol: string; until_us: number }>(
    `select symbol, max(open_us) + 60000000 as until_us from stream.candles
      where source = $1 and symbol = any($2) and "interval" = '1m' group by symbol`,
    [source, symbols],
  );
  return new Map(rows.map((row) => [row.symbol, row.until_us]));
}

async function loadTail(
  { lake, duck, tails }: LoadTarget,
  venue: VenueMarkets,
  interval: Interval,
): Promise<void> {
  const { source, timeUs } = venue;
  const symbols = venue.markets.map(({ symbol }) => symbol);
  const fromUs = timeUs - (tailBars + 1) * intervalUs(interval);
  const filter = [
    { column: 'interval', op: '=' as const, value: interval },
    { column: 'source', op: '=' as const, value: source },
    { column: 'symbol', op: 'in' as const, value: symbols },
    { column: 'open_time', op: '>=' as const, value: fromUs },
  ];
  const held = await Promise.all([klines, candles].map((table) => currentFiles(lake, table, { filter })));
  const wanted = `where "interval" = ${literal(interval)} and source = ${literal(source)}
    and symbol in (${symbols.map(literal).join(', ')}) and open_time >= make_timestamptz(${fromUs})`;
  const [ofVenue, ours] = [
    parquetRelation(klines, held[0]?.files ?? []),
    latestRevisions(candles, parquetRelation(candles, held[1]?.files ?? [])),
  ];
  const barsSql = await barsModel(duck, {
    klines: `(select * from (${ofVenue}) ${wanted})`,
    candles: `(select * from (${ours}) ${wanted})`,
  });
  await tails.load(`(${barsSql})`);
  // What closed since the last commit of candles.
  const { rows } = await lake.database.query<{ bars: string }>(keptBarsSql, [
    source,
    symbols,
    interval,
    fromUs,
  ]);
  const kept = rows[0]?.bars ?? '[]';
  if (kept !== '[]') await tails.load(keptRelation(kept, intervalUs(interval)));
}

function keptRelation(json: string, lengthUs: number): string {
  const columns = `[{"source": "varchar", "symbol": "varchar", "interval": "varchar", "open_us": "bigint",
    "open": "double", "high": "double", "low": "double", "close": "double", "volume": "double",
    "quote_volume": "double", "trade_count": "bigint", "is_filled": "boolean"}]`;
  return `(select *, ${lengthUs}::bigint as length_us
             from (select unnest(from_json(${literal(json)}, '${columns}'), recursive := true)))`;
}
