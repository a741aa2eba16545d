export {
  candleFeed,
  indicatorFeed,
  openFeeds,
  signalFeed,
  type Feed,
  type Feeds,
  type FeedsOptions,
} from './feeds.ts';
export { createRestClient, ProblemError, type BarsOf, type RestClient, type SignalsOf } from './rest.ts';
export { openRunStream, type RunStream, type RunStreamOptions } from './run-stream.ts';
export type { ConnectionState } from './socket.ts';
export { openTradeStream, type TradeStream, type TradeStreamOptions } from './stream.ts';
export type { Candle, CandleList } from '../schemas/candles.ts';
export type { Problem } from '../schemas/common.ts';
export type { Health } from '../schemas/health.ts';
export type {
  JobCard,
  Run,
  RunAnswer,
  RunPartition,
  RunProgress,
  RunWithSteps,
  Schedule,
} from '../schemas/jobs.ts';
export type { IndicatorList, IndicatorRow, LatestIndicators } from '../schemas/indicators.ts';
export type { Coverage, Gap, LakeTable } from '../schemas/lake.ts';
export type { Market, Trade } from '../schemas/markets.ts';
export type { Signal, SignalList } from '../schemas/signals.ts';
export type { StreamTrade, SymbolCandles, SymbolIndicators, SymbolTrades } from '../schemas/stream.ts';
