export {
  candleFeed,
  indicatorFeed,
  openFeeds,
  signalFeed,
  type Feed,
  type Feeds,
  type FeedsOptions,
} from './feeds.ts';
export { ProblemError, type Allowance, type Credentials, type Page } from './ask.ts';
export type { AccountClient } from './account.ts';
export type { AlertClient } from './alerts.ts';
export { openAlertStream, type AlertStream, type AlertStreamOptions } from './alert-stream.ts';
export {
  openPortfolioStream,
  UnansweredError,
  type PortfolioStream,
  type PortfolioStreamOptions,
} from './portfolio-stream.ts';
export type { StreamEnd } from './private-socket.ts';
export { createRestClient, type BarsOf, type RestClient, type SignalsOf } from './rest.ts';
export { openRunStream, type RunStream, type RunStreamOptions } from './run-stream.ts';
export type { ConnectionState } from './socket.ts';
export type { AmendedTerms, MoneyOf, OrdersOf, TradingClient } from './trading.ts';
export { openTradeStream, type TradeStream, type TradeStreamOptions } from './stream.ts';
export type { Alert } from '../schemas/alerts.ts';
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
export type { NewSession, User } from '../schemas/identity.ts';
export type { Market, MarketRules, Trade } from '../schemas/markets.ts';
export type { NewOrder, Order, OrderEvent, Preview } from '../schemas/orders.ts';
export type { NewPriceAlert, PriceAlert } from '../schemas/price-alerts.ts';
export type { Portfolio, PortfolioRisk, PortfolioSummary, Transaction } from '../schemas/portfolios.ts';
export type { StreamBalance, StreamOrderEvent } from '../schemas/private-stream.ts';
export type { Signal, SignalList } from '../schemas/signals.ts';
export type { StreamTrade, SymbolCandles, SymbolIndicators, SymbolTrades } from '../schemas/stream.ts';
export {
  add,
  decimalText,
  divide,
  isOnGrid,
  multiply,
  onGrid,
  one,
  parseDecimal,
  subtract,
  zero,
  type Decimal,
} from '#core/market/decimal.ts';
