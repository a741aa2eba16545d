import type { Coverage, Gap, LakeTable } from './schemas/lake.ts';
import type { Market, Trade } from './schemas/markets.ts';

export interface LedgerFilter {
  table?: string;
  source?: string;
  symbol?: string;
}

export interface TradesRequest {
  source: string;
  symbol: string;
  /** Only trades with a lower id; none starts at the newest. */
  beforeId?: number;
  limit: number;
}

/** What the routes need of the lake. Times are RFC 3339, decimals are text, ids are numbers. */
export interface MarketData {
  /** Venues of which trades of a market (of any, without one) are held, in alphabetical order. */
  sources(symbol?: string): Promise<string[]>;
  /** Markets of a source that traded in its last 24 hours, by symbol; may be some seconds old. */
  markets(source: string): Promise<Market[]>;
  /** Committed trades, highest id first. @throws TIMEOUT when the signal ends it. */
  trades(request: TradesRequest, signal: AbortSignal): Promise<Trade[]>;
  tables(): Promise<LakeTable[]>;
  coverage(filter: LedgerFilter): Promise<Coverage[]>;
  /** Ids that are not held, explained or not. */
  gaps(filter: LedgerFilter): Promise<Gap[]>;
}
