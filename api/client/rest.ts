import type { Problem } from '../schemas/common.ts';
import type { Health } from '../schemas/health.ts';
import type { CoverageList, GapList, LakeTableList } from '../schemas/lake.ts';
import type { MarketList, TradeList } from '../schemas/markets.ts';

/** What the service answered instead of what was asked for. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

export interface RestClient {
  /** Also answers when the service is degraded. */
  health(signal?: AbortSignal): Promise<Health>;
  markets(signal?: AbortSignal): Promise<MarketList>;
  /** Committed trades, newest first. */
  trades(symbol: string, limit: number, signal?: AbortSignal): Promise<TradeList>;
  lakeTables(signal?: AbortSignal): Promise<LakeTableList>;
  lakeCoverage(signal?: AbortSignal): Promise<CoverageList>;
  lakeGaps(signal?: AbortSignal): Promise<GapList>;
}

const timeoutMs = 15_000;

/** The service at an address such as `http://127.0.0.1:8080`. Methods throw {@link ProblemError}, or what fetch throws. */
export function createRestClient(baseUrl: string): RestClient {
  const page = new URLSearchParams({ limit: '1000' }).toString();
  return {
    health: (signal) => get('/health', signal, [503]),
    markets: (signal) => get(`/v1/markets?${page}`, signal),
    trades: (symbol, limit, signal) =>
      get(`/v1/markets/${encodeURIComponent(symbol)}/trades?limit=${limit}`, signal),
    lakeTables: (signal) => get('/v1/lake/tables', signal),
    lakeCoverage: (signal) => get(`/v1/lake/coverage?${page}`, signal),
    lakeGaps: (signal) => get(`/v1/lake/gaps?${page}`, signal),
  };

  async function get<T>(
    path: string,
    signal: AbortSignal | undefined,
    also: readonly number[] = [],
  ): Promise<T> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await fetch(new URL(path, baseUrl), {
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const body: unknown = await response.json();
    // The service checks its answers against the schemas that these types are made from.
    if (response.ok || also.includes(response.status)) return body as T;
    throw new ProblemError(body as Problem);
  }
}
