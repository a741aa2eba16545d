import { indicatorsModel, tailBars } from '#core/features/indicators.ts';
import type { ScanFilter } from '#core/iceberg/scan.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { merged, type Range } from '#core/lake/ranges.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles, klines, quoted, tableId, type LakeTable } from '#core/lake/tables.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { DuckReader } from './duck-reader.ts';
import { plainDecimal, timeFromUs } from './format.ts';
import { indicatorRowOf, isIndicators } from './live-records.ts';
import type { Candle } from './schemas/candles.ts';
import type { IndicatorRow, LatestIndicators } from './schemas/indicators.ts';

export interface BarsRequest {
  source: string;
  symbol: string;
  interval: Interval;
  /** Bars that open at or after this, in microseconds; default all. */
  fromUs?: number;
  /** Bars that open before this; default all. */
  beforeUs?: number;
  limit: number;
}

/** Rows by the open times of their bars, the newest first. */
export interface BarPage<T> {
  items: T[];
  /** Where older ones are held: the open time before which the next page lies, in microseconds. */
  nextUs: number | null;
}

export type MarketBars = Pick<BarsRequest, 'source' | 'symbol' | 'interval'>;

/** Bars of single markets, the newest first, and what follows from them. */
export interface CandleData {
  /** Venues of which bars of a market are held, in alphabetical order. */
  sources(interval: Interval, symbol: string): Promise<string[]>;
  /** The venue's bars, and ours where it has none, those that closed just now included. @throws TIMEOUT, OVERLOADED. */
  candles(request: BarsRequest, signal: AbortSignal): Promise<BarPage<Candle>>;
  /** The indicators of the same bars. @throws TIMEOUT, OVERLOADED. */
  indicators(request: BarsRequest, signal: AbortSignal): Promise<BarPage<IndicatorRow>>;
  /** Those of the newest bar; undefined where no bar is held. @throws TIMEOUT, OVERLOADED. */
  latestIndicators(of: MarketBars, signal: AbortSignal): Promise<LatestIndicators | undefined>;
}

const rangesMax = 1_000;
const tables = [tableId(klines), tableId(candles)];
const marketSql = sqlFile(import.meta.url, 'sql/bars/market.sql');
const asDoublesSql = sqlFile(import.meta.url, 'sql/bars/as-doubles.sql');
const newestRowsSql = sqlFile(import.meta.url, 'sql/bars/newest-rows.sql');
const liveSql = sqlFile(import.meta.url, 'sql/bars/live.sql');
const rangesSql = sqlFile(import.meta.url, 'sql/bars/ranges.sql');
const sourcesSql = sqlFile(import.meta.url, 'sql/bars/sources.sql');
const indicatorsSql = sqlFile(import.meta.url, 'sql/bars/indicators.sql');

/** Bars as the lake has them, and those that it has not yet as the role `stream` wrote them down. */
export function lakeCandleData({ lake, reader }: { lake: Lake; reader: DuckReader }): CandleData {
  return {
    async sources(interval, symbol) {
      const { rows } = await lake.database.query<{ source: string }>(sourcesSql, [tables, symbol, interval]);
      return rows.map(({ source }) => source);
    },
    candles: (request, signal) => readCandles(lake, reader, request, signal),
    indicators: (request, signal) => readIndicators(lake, reader, request, signal),
    latestIndicators: (of, signal) => readLatest(lake, reader, of, signal),
  };
}

async function readCandles(
  lake: Lake,
  reader: DuckReader,
  request: BarsRequest,
  signal: AbortSignal,
): Promise<BarPage<Candle>> {
  const held = await heldBars(lake, request, request.limit);
  if (held === undefined) return { items: [], nextUs: null };
  const rows = await reader.turn(
    'candles',
    async (duck) => {
      await takeBars(duck, held);
      signal.throwIfAborted();
      return await duck.rows('from bars order by open_us desc limit $limit', {
        limit: BigInt(request.limit),
      });
    },
    signal,
  );
  const decimal = (value: unknown): string => plainDecimal(String(value));
  const items = rows.map((row): Candle => ({
    openTime: timeFromUs(Number(row['open_us'])),
    open: decimal(row['open']),
    high: decimal(row['high']),
    low: decimal(row['low']),
    close: decimal(row['close']),
    volume: decimal(row['volume']),
    quoteVolume: decimal(row['quote_volume']),
    trades: Number(row['trade_count']),
    takerBuyVolume: decimal(row['taker_buy_volume']),
    takerBuyQuoteVolume: decimal(row['taker_buy_quote_volume']),
    isFilled: row['is_filled'] === true,
    isComplete: row['is_complete'] === true,
    origin: row['origin'] === 'kline' ? 'kline' : 'candle',
    revision: row['revision'] === null ? null : Number(row['revision']),
  }));
  return { items, nextUs: held.hasOlder ? held.span.lo : null };
}

async function readIndicators(
  lake: Lake,
  reader: DuckReader,
  request: BarsRequest,
  signal: AbortSignal,
): Promise<BarPage<IndicatorRow>> {
  const { fromUs = 0, limit, ...rest } = request;
  // What comes before the first bar wanted belongs to its windows.
  const held = await heldBars(lake, rest, limit + tailBars);
  if (held === undefined) return { items: [], nextUs: null };
  const rows = await reader.turn(
    'indicators',
    async (duck) => {
      await takeBars(duck, held);
      signal.throwIfAborted();
      const { source, symbol, interval } = request;
      const of = { source, symbol, interval, length_us: BigInt(intervalUs(interval)) };
      await duck.run(`create or replace temp table bars_as_doubles as ${asDoublesSql}`, of);
      const model = await indicatorsModel(duck, { bars: 'bars_as_doubles' });
      const window = { from_us: BigInt(fromUs), limit: BigInt(limit + 1) };
      return await duck.rows(
        newestRowsSql.replace('$model', () => `${model}\n`),
        window,
      );
    },
    signal,
  );
  const items = rows.slice(0, limit).map((row) => indicatorRowOf(recordOf(row)));
  const oldest = rows[limit - 1];
  return { items, nextUs: rows.length > limit ? Number(oldest?.['open_us']) : null };
}

async function readLatest(
  lake: Lake,
  reader: DuckReader,
  of: MarketBars,
  signal: AbortSignal,
): Promise<LatestIndicators | undefined> {
  const { source, symbol, interval } = of;
  const stepUs = intervalUs(interval);
  const { rows } = await lake.database.query<{ record: unknown; end_us: number | null }>(indicatorsSql, [
    ...[source, symbol, interval, tables, stepUs],
  ]);
  const { record, end_us: endUs } = rows[0] ?? { record: null, end_us: null };
  if (isIndicators(record) && record.open_us + stepUs >= (endUs ?? 0)) {
    return { ...of, origin: 'stream', indicators: indicatorRowOf(record) };
  }
  const { items } = await readIndicators(lake, reader, { ...of, limit: 1 }, signal);
  const [indicators] = items;
  return indicators === undefined ? undefined : { ...of, origin: 'lake', indicators };
}

/** The newest bars of a window: where they are held, and those the lake may not have yet. */
interface HeldBars extends MarketBars {
  span: Range;
  /** JSON of the live ones. */
  live: string;
  /** SQL of the rows of the lake's tables among which they are. */
  relations: { table: LakeTable; rows: string }[];
  hasOlder: boolean;
}

/** Finds the newest `count` bars of a window by the ledger, so that few files are opened for them. */
async function heldBars(
  lake: Lake,
  { source, symbol, interval, fromUs = 0, beforeUs = Number.MAX_SAFE_INTEGER }: Omit<BarsRequest, 'limit'>,
  count: number,
): Promise<HeldBars | undefined> {
  const stepUs = intervalUs(interval);
  const [live, ledger] = await Promise.all([
    lake.database.query<{ open_us: number; bar: unknown }>(liveSql, [
      ...[source, symbol, interval, fromUs, beforeUs, count + 1],
    ]),
    lake.database.query<Range>(rangesSql, [tables, source, symbol, interval, fromUs, beforeUs, rangesMax]),
  ]);
  const ranges = merged([
    ...ledger.rows.map(({ lo, hi }) => ({ lo: Math.max(lo, fromUs), hi: Math.min(hi, beforeUs) })),
    ...live.rows.map(({ open_us: lo }) => ({ lo, hi: lo + stepUs })),
  ]);
  const newest = ranges.at(-1);
  const oldest = ranges[0];
  if (newest === undefined || oldest === undefined) return undefined;
  const span = { lo: newestFrom(ranges, count, stepUs), hi: newest.hi };
  const { lo } = span;
  return {
    ...{ source, symbol, interval, span },
    relations: await Promise.all(
      [klines, candles].map(async (table) => {
        const { files } = await currentFiles(lake, table, {
          filter: filterOf({ source, symbol, interval }, span),
        });
        return { table, rows: latestRevisions(table, parquetRelation(table, files)) };
      }),
    ),
    live: JSON.stringify(live.rows.filter(({ open_us: openUs }) => openUs >= lo).map(({ bar }) => bar)),
    hasOlder: lo > oldest.lo || ledger.rows.length === rangesMax,
  };
}

/** Where the newest `count` bars of some ranges begin, or all of them where there are fewer. */
function newestFrom(ranges: readonly Range[], count: number, stepUs: number): number {
  let wanted = count;
  for (const { lo, hi } of ranges.toReversed()) {
    const bars = Math.ceil((hi - lo) / stepUs);
    if (bars >= wanted) return Math.max(lo, hi - wanted * stepUs);
    wanted -= bars;
  }
  return ranges[0]?.lo ?? 0;
}

function filterOf({ source, symbol, interval }: MarketBars, { lo, hi }: Range): ScanFilter {
  return [
    { column: 'interval', op: '=', value: interval },
    { column: 'source', op: '=', value: source },
    { column: 'symbol', op: '=', value: symbol },
    { column: 'open_time', op: '>=', value: lo },
    { column: 'open_time', op: '<', value: hi },
  ];
}

/** Makes DuckDB's table `bars` of them: the venue's, and ours where none of its is held. */
async function takeBars(
  duck: DuckDb,
  { source, symbol, interval, span, live, relations }: HeldBars,
): Promise<void> {
  for (const { table, rows } of relations) {
    await duck.run(`create or replace temp view ${quoted(table.name)} as ${rows}`);
  }
  const of = { source, symbol, interval, from_us: BigInt(span.lo), to_us: BigInt(span.hi) };
  await duck.run(`create or replace temp table bars as ${marketSql}`, { ...of, live });
}

/** A row of the model as a record of the topic. */
function recordOf(row: Readonly<Record<string, unknown>>): Parameters<typeof indicatorRowOf>[0] {
  const figure = (name: string): number | null => (row[name] === null ? null : Number(row[name]));
  return {
    open_us: Number(row['open_us']),
    close: Number(row['close']),
    sma_20: figure('sma_20'),
    sma_50: figure('sma_50'),
    sma_200: figure('sma_200'),
    bb_upper: figure('bb_upper'),
    bb_lower: figure('bb_lower'),
    bb_percent_b: figure('bb_percent_b'),
    macd: figure('macd'),
    macd_signal: figure('macd_signal'),
    macd_histogram: figure('macd_histogram'),
    volatility_20: figure('volatility_20'),
    rsi_14: figure('rsi_14'),
    below_all_smas: row['below_all_smas'] === null ? null : row['below_all_smas'] === true,
    is_filled: row['is_filled'] === true,
  };
}
