import {
  ProblemError,
  type Candle,
  type IndicatorRow,
  type RestClient,
  type Signal,
} from '#api/client/index.ts';
import { barOf, begunBy, timeOf, type Bar, type Begun, type TradeTold } from './bars.ts';
import { hasIndicators, secondsOf, type ChartInterval } from './choice.ts';

export interface MarketOf {
  symbol: string;
  source: string;
}

/** What the service holds of a market before the page came. */
export interface History {
  bars: Bar[];
  rows: IndicatorRow[];
  signals: Signal[];
  begun: Begun | undefined;
  /** Where older bars and rows begin, if there are any. */
  older: Older | undefined;
}

export interface Older {
  bars: string | null;
  rows: string | null;
}

const barsOfPage = 500;
const signalsMax = 500;
const tradesMax = 1_000;
const minutesMax = 1_000;

/** Reads what is held of a market; nothing where nothing is. Throws what the client throws, but for that. */
export async function loadHistory(
  api: RestClient,
  { symbol, source }: MarketOf,
  interval: ChartInterval,
  signal: AbortSignal,
): Promise<History> {
  if (!hasIndicators(interval)) {
    return { bars: [], rows: [], signals: [], begun: undefined, older: undefined };
  }
  const of = { interval, source, limit: barsOfPage };
  const [candles, indicators, signals, minutes] = await Promise.all([
    orNothing(api.candles(symbol, of, signal)),
    orNothing(api.indicators(symbol, of, signal)),
    api.signals({ symbol, interval, source, limit: signalsMax }, signal),
    interval === '1m' ? undefined : orNothing(minutesBack(api, { symbol, source }, interval, signal)),
  ]);
  const bars = (candles?.items ?? []).map(barOf);
  return {
    bars,
    rows: indicators?.items ?? [],
    signals: signals.items,
    begun: begunAfter(bars, minutes ?? [], interval),
    older: olderOf(candles, indicators),
  };
}

/** The newest trades that are committed; none yet is no error, as the stream then fills the chart. */
export async function loadTrades(
  api: RestClient,
  { symbol }: MarketOf,
  signal: AbortSignal,
): Promise<TradeTold[]> {
  const page = await orNothing(api.trades(symbol, tradesMax, signal));
  return (page?.items ?? []).map((trade) => ({ ...trade, sequence: trade.tradeId }));
}

/** The newest bars and rows again, for what the stream left out. */
export async function loadNewest(
  api: RestClient,
  { symbol, source }: MarketOf,
  interval: Exclude<ChartInterval, '1s'>,
  signal: AbortSignal,
): Promise<Pick<History, 'bars' | 'rows'>> {
  const of = { interval, source, limit: barsOfPage };
  const [candles, indicators] = await Promise.all([
    orNothing(api.candles(symbol, of, signal)),
    orNothing(api.indicators(symbol, of, signal)),
  ]);
  return { bars: (candles?.items ?? []).map(barOf), rows: indicators?.items ?? [] };
}

/** Reads the page of bars and rows before those that are known. */
export async function loadOlder(
  api: RestClient,
  { symbol, source }: MarketOf,
  interval: Exclude<ChartInterval, '1s'>,
  older: Older,
  signal: AbortSignal,
): Promise<Pick<History, 'bars' | 'rows' | 'older'>> {
  const of = { interval, source, limit: barsOfPage };
  const [candles, indicators] = await Promise.all([
    older.bars === null ? undefined : api.candles(symbol, { ...of, cursor: older.bars }, signal),
    older.rows === null ? undefined : api.indicators(symbol, { ...of, cursor: older.rows }, signal),
  ]);
  return {
    bars: (candles?.items ?? []).map(barOf),
    rows: indicators?.items ?? [],
    older: olderOf(candles, indicators),
  };
}

/** Bars of a minute that may belong to the bar that goes on. */
async function minutesBack(
  api: RestClient,
  { symbol, source }: MarketOf,
  interval: ChartInterval,
  signal: AbortSignal,
): Promise<Candle[]> {
  const limit = Math.min(minutesMax, secondsOf(interval) / 60);
  const of = { interval: '1m', source, limit } as const;
  const newest = await api.candles(symbol, of, signal);
  if (newest.nextCursor === null || secondsOf(interval) / 60 <= limit) return newest.items;
  const before = await api.candles(symbol, { ...of, cursor: newest.nextCursor }, signal);
  return [...newest.items, ...before.items];
}

function begunAfter(
  bars: readonly Bar[],
  minutes: readonly Candle[],
  interval: ChartInterval,
): Begun | undefined {
  const begun = begunBy(minutes.map(barOf), 60, secondsOf(interval));
  const newest = bars.reduce((time, bar) => Math.max(time, bar.time), Number.NEGATIVE_INFINITY);
  return begun !== undefined && begun.bar.time > newest ? begun : undefined;
}

function olderOf(
  candles: { nextCursor: string | null } | undefined,
  rows: { nextCursor: string | null } | undefined,
): Older | undefined {
  const older = { bars: candles?.nextCursor ?? null, rows: rows?.nextCursor ?? null };
  return older.bars === null && older.rows === null ? undefined : older;
}

async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** When the bar of a row begins. */
export function rowTime(row: IndicatorRow): number {
  return timeOf(row.openTime);
}
