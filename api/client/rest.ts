import type { CandleList } from '../schemas/candles.ts';
import type { Problem } from '../schemas/common.ts';
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

/** What the service answered instead of what was asked for. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

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

const timeoutMs = 15_000;

/** The service at an address such as `http://127.0.0.1:8080`. Methods throw {@link ProblemError}, or what fetch throws. */
export function createRestClient(baseUrl: string): RestClient {
  const page = new URLSearchParams({ limit: '1000' }).toString();
  return {
    health: (signal) => get('/health', signal, [503]),
    markets: (signal) => get(`/v1/markets?${page}`, signal),
    trades: (symbol, limit, signal) => get(`${ofMarket(symbol, 'trades')}?limit=${limit}`, signal),
    candles: (symbol, of, signal) => get(`${ofMarket(symbol, 'candles')}?${query(of)}`, signal),
    indicators: (symbol, of, signal) => get(`${ofMarket(symbol, 'indicators')}?${query(of)}`, signal),
    latestIndicators: (symbol, of, signal) =>
      get(`${ofMarket(symbol, 'indicators/latest')}?${query(of)}`, signal),
    signals: (of, signal) => get(`/v1/signals?${query(of)}`, signal),
    latestSignals: (of, signal) => get(`/v1/signals/latest?${query(of)}`, signal),
    lakeTables: (signal) => get('/v1/lake/tables', signal),
    lakeCoverage: (signal) => get(`/v1/lake/coverage?${page}`, signal),
    lakeGaps: (signal) => get(`/v1/lake/gaps?${page}`, signal),
    jobs: (signal) => get('/v1/jobs', signal),
    startRun: (request, signal) => post('/v1/jobs', request, signal),
    runs: (limit, signal) => get(`/v1/jobs/runs?limit=${limit}`, signal),
    run: (runId, waitSeconds = 0, signal) => get(`/v1/jobs/runs/${runId}?wait=${waitSeconds}`, signal),
    runPartitions: (runId, signal) => get(`/v1/jobs/runs/${runId}/partitions`, signal),
    cancelRun: (runId, signal) => post(`/v1/jobs/runs/${runId}/cancel`, undefined, signal),
    retryRun: (runId, signal) => post(`/v1/jobs/runs/${runId}/retry`, undefined, signal),
    schedule: (signal) => get('/v1/jobs/schedule', signal),
  };

  async function get<T>(
    path: string,
    signal: AbortSignal | undefined,
    also: readonly number[] = [],
  ): Promise<T> {
    return await ask(path, {}, signal, also);
  }

  async function post<T>(
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json' };
    return await ask(path, { method: 'POST', headers, ...sent }, signal, []);
  }

  async function ask<T>(
    path: string,
    init: RequestInit,
    signal: AbortSignal | undefined,
    also: readonly number[],
  ): Promise<T> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await fetch(new URL(path, baseUrl), {
      ...init,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const answer: unknown = await response.json();
    // The service checks its answers against the schemas that these types are made from.
    if (response.ok || also.includes(response.status)) return answer as T;
    throw new ProblemError(answer as Problem);
  }
}

function ofMarket(symbol: string, what: string): string {
  return `/v1/markets/${encodeURIComponent(symbol)}/${what}`;
}

function query(parameters: object): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) given.set(name, String(value));
  return given.toString();
}
