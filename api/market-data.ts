import type { GapsFilter, ListedGap } from '#core/lake/gaps.ts';
import type { DayKey, DayProof, ListingProof, Proof, ProofFilter } from '#core/lake/proof.ts';
import type { LakeTable } from './schemas/lake.ts';
import type { TableQuality } from './schemas/quality.ts';
import type { Market, Trade } from './schemas/markets.ts';

/** Days [fromDay, toDay) as `YYYY-MM-DD`, from the one after a place on. */
export interface DaysFilter extends ProofFilter {
  fromDay?: string;
  toDay?: string;
  after?: DayKey;
  limit: number;
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
  /** How complete each listing is; may be a second old. @throws NOT_FOUND where `asOf` names nothing. */
  coverage(filter: ProofFilter): Promise<Proof<ListingProof>>;
  /** How complete each day of each listing is. @throws NOT_FOUND where `asOf` names nothing. */
  coverageByDay(filter: DaysFilter): Promise<Proof<DayProof>>;
  /** Ids or bars that are not held, explained or not; at most 10,000 ranges. */
  gaps(filter: GapsFilter): Promise<ListedGap[]>;
  /** How fresh, complete and well tested each table is; may be some seconds old. */
  quality(): Promise<TableQuality[]>;
}
