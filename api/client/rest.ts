import type { CandleList } from '../schemas/candles.ts';
import type { Health } from '../schemas/health.ts';
import type {
  JobCardList,
  RunAnswer,
  RunList,
  RunPartitionList,
  RunWithSteps,
  ScheduleList,
} from '../schemas/jobs.ts';
import type { IndicatorList, LatestIndicators } from '../schemas/indicators.ts';
import type { CoverageList, GapList, LakeTableList } from '../schemas/lake.ts';
import type { MarketList, TradeList } from '../schemas/markets.ts';
import type { LatestSignalsQuery, SignalList, SignalsQuery } from '../schemas/signals.ts';
import { createAccountClient, type AccountClient } from './account.ts';
import { createAlertClient, type AlertClient } from './alerts.ts';
import { createAsker, queryOf, type Allowance, type Credentials } from './ask.ts';
import { createTradingClient, type TradingClient } from './trading.ts';

/** Which bars of a market; what is left out is the service's to choose. */
export interface BarsOf {
  interval: CandleList['interval'];
  source?: string;
  /** Days, or RFC 3339; half-open. */
  from?: string;
  to?: string;
  cursor?: string;
  limit?: number;
}

export type SignalsOf = Partial<SignalsQuery>;

export interface RestClient {
  readonly account: AccountClient;
  readonly trading: TradingClient;
  readonly alerts: AlertClient;
  /** What the last answer that was counted said is left; undefined before the first. */
  allowance(): Allowance | undefined;
  /** Also answers when the service is degraded. */
  health(signal?: AbortSignal): Promise<Health>;
  markets(signal?: AbortSignal): Promise<MarketList>;
  /** Committed trades, newest first. */
  trades(symbol: string, limit: number, signal?: AbortSignal): Promise<TradeList>;
  /** A market's bars, newest first. */
  candles(symbol: string, of: BarsOf, signal?: AbortSignal): Promise<CandleList>;
  /** The indicators of a market's bars, newest first. */
  indicators(symbol: string, of: BarsOf, signal?: AbortSignal): Promise<IndicatorList>;
  latestIndicators(
    symbol: string,
    of: Pick<BarsOf, 'interval' | 'source'>,
    signal?: AbortSignal,
  ): Promise<LatestIndicators>;
  /** Signals, those of the newest bars first. */
  signals(of: SignalsOf, signal?: AbortSignal): Promise<SignalList>;
  /** The newest of each strategy, market and interval. */
  latestSignals(of: Partial<LatestSignalsQuery>, signal?: AbortSignal): Promise<SignalList>;
  lakeTables(signal?: AbortSignal): Promise<LakeTableList>;
  lakeCoverage(signal?: AbortSignal): Promise<CoverageList>;
  lakeGaps(signal?: AbortSignal): Promise<GapList>;
  /** The jobs that can be asked for. */
  jobs(signal?: AbortSignal): Promise<JobCardList>;
  /** Asks for a run; the same key gives the same run. */
  startRun(
    request: { job: string; params?: Record<string, unknown>; idempotencyKey?: string },
    signal?: AbortSignal,
  ): Promise<RunAnswer>;
  /** Runs, newest first. */
  runs(limit: number, signal?: AbortSignal): Promise<RunList>;
  /** A run; with `waitSeconds` (at most 10) when it has ended, or as it is then. */
  run(runId: string, waitSeconds?: number, signal?: AbortSignal): Promise<RunWithSteps>;
  runPartitions(runId: string, signal?: AbortSignal): Promise<RunPartitionList>;
  cancelRun(runId: string, signal?: AbortSignal): Promise<RunWithSteps>;
  retryRun(runId: string, signal?: AbortSignal): Promise<RunWithSteps>;
  schedule(signal?: AbortSignal): Promise<ScheduleList>;
}

/**
 * The service at an address such as `http://127.0.0.1:8080`. Methods throw `ProblemError`, or what fetch throws.
 * Without credentials it is nobody's, and what belongs to a user is refused.
 */
export function createRestClient(baseUrl: string, credentials: Credentials = {}): RestClient {
  const asker = createAsker(baseUrl, credentials);
  const { ask } = asker;
  const page = new URLSearchParams({ limit: '1000' }).toString();
  return {
    account: createAccountClient(asker),
    trading: createTradingClient(asker),
    alerts: createAlertClient(asker),
    allowance: asker.allowance,
    health: (signal) => ask('/health', { signal, also: [503] }),
    markets: (signal) => ask(`/v1/markets?${page}`, { signal }),
    trades: (symbol, limit, signal) => ask(`${ofMarket(symbol, 'trades')}?limit=${limit}`, { signal }),
    candles: (symbol, of, signal) => ask(`${ofMarket(symbol, 'candles')}?${queryOf(of)}`, { signal }),
    indicators: (symbol, of, signal) => ask(`${ofMarket(symbol, 'indicators')}?${queryOf(of)}`, { signal }),
    latestIndicators: (symbol, of, signal) =>
      ask(`${ofMarket(symbol, 'indicators/latest')}?${queryOf(of)}`, { signal }),
    signals: (of, signal) => ask(`/v1/signals?${queryOf(of)}`, { signal }),
    latestSignals: (of, signal) => ask(`/v1/signals/latest?${queryOf(of)}`, { signal }),
    lakeTables: (signal) => ask('/v1/lake/tables', { signal }),
    lakeCoverage: (signal) => ask(`/v1/lake/coverage?${page}`, { signal }),
    lakeGaps: (signal) => ask(`/v1/lake/gaps?${page}`, { signal }),
    jobs: (signal) => ask('/v1/jobs', { signal }),
    startRun: (body, signal) => ask('/v1/jobs', { method: 'POST', body, signal }),
    runs: (limit, signal) => ask(`/v1/jobs/runs?limit=${limit}`, { signal }),
    run: (runId, waitSeconds = 0, signal) => ask(`/v1/jobs/runs/${runId}?wait=${waitSeconds}`, { signal }),
    runPartitions: (runId, signal) => ask(`/v1/jobs/runs/${runId}/partitions`, { signal }),
    cancelRun: (runId, signal) => ask(`/v1/jobs/runs/${runId}/cancel`, { method: 'POST', signal }),
    retryRun: (runId, signal) => ask(`/v1/jobs/runs/${runId}/retry`, { method: 'POST', signal }),
    schedule: (signal) => ask('/v1/jobs/schedule', { signal }),
  };
}

function ofMarket(symbol: string, what: string): string {
  return `/v1/markets/${encodeURIComponent(symbol)}/${what}`;
}
