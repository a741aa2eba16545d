export { createRestClient, ProblemError, type RestClient } from './rest.ts';
export { openRunStream, type RunStream, type RunStreamOptions } from './run-stream.ts';
export type { ConnectionState } from './socket.ts';
export { openTradeStream, type TradeStream, type TradeStreamOptions } from './stream.ts';
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
export type { Coverage, Gap, LakeTable } from '../schemas/lake.ts';
export type { Market, Trade } from '../schemas/markets.ts';
export type { StreamTrade, SymbolTrades } from '../schemas/stream.ts';
