import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { listingId, type Listing } from './listings.ts';
import type { UniverseRules } from './rules.ts';
import type { Selection } from './select.ts';

/** A market that was chosen, when that held at the venue, and when we knew it. Times are RFC 3339. */
export interface Member {
  source: string;
  symbol: string;
  listingId: string;
  base: string;
  quote: string;
  status: string;
  /** Smallest step of price and of quantity, minimum quantity and minimum price × quantity; decimal text. */
  filters: { tickSize: string; stepSize: string; minQuantity: string; minNotional: string };
  rank: number;
  liquidity: number;
  validFrom: string;
  /** null: until further notice, as was known. */
  validTo: string | null;
  recordedAt: string;
}

export interface Discovery {
  source: string;
  /** The venue's time. */
  nowUs: number;
  rules: UniverseRules;
  selection: Selection;
  /** The coin that has each chosen name. */
  listings: ReadonlyMap<string, Listing>;
}

const publishSql = sqlFile(import.meta.url, './sql/publish.sql');
const supersedeSql = sqlFile(import.meta.url, './sql/supersede.sql');
const membersSql = sqlFile(import.meta.url, './sql/members.sql');

/**
 * Makes a discovery the universe from its time on. What held before is closed by a new row, so that what was known is
 * kept. A discovery at the time of the one before replaces it. Takes the source's lock until the transaction ends.
 * @throws PLAN_STALE when another discovery of a later time was made meanwhile.
 */
export async function publishUniverse(tx: Transaction, discovery: Discovery): Promise<void> {
  const { source, nowUs, rules, selection, listings } = discovery;
  const { rows } = await tx.query<{ isStale: boolean }>(
    `select coalesce(max(valid_from) > to_timestamp($2::bigint / 1e6), false) as "isStale"
       from universe.discoveries where source = $1`,
    [source, nowUs],
  );
  if (rows[0]?.isStale === true) {
    throw new TicklakeError('PLAN_STALE', `the universe of ${source} is newer than this discovery`, {
      remedy: 'Discover again; a simulator whose clock was set back needs another seed or data dir.',
    });
  }
  const dropped: Record<string, string[]> = {};
  for (const { symbol, reason } of selection.dropped) (dropped[reason] ??= []).push(symbol);
  const members = selection.chosen.map(({ market, rank, liquidity }) => ({
    symbol: market.symbol,
    listing_id: listingId(listings.get(market.symbol) ?? { symbol: market.symbol, number: 1 }),
    ...{ base: market.base, quote: market.quote, status: market.status, rank, liquidity },
    filters: {
      ...{ tickSize: market.tickSize, stepSize: market.stepSize },
      ...{ minQuantity: market.minQuantity, minNotional: market.minNotional },
    },
  }));
  // One clock for all rows of a discovery, read after the lock was taken.
  const { rows: clock } = await tx.query<{ at: string }>('select clock_timestamp()::text as at');
  const at = clock[0]?.at;
  await tx.query(supersedeSql, [source, nowUs, at]);
  await tx.query(publishSql, [
    ...[source, nowUs, at, JSON.stringify(rules), JSON.stringify(dropped)],
    JSON.stringify(members),
  ]);
}

/** One discovery of a source at a time, until the transaction ends. */
export async function lockUniverse(tx: Transaction, source: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('universe ' || $1, 0))`, [source]);
}

/** Symbols chosen last, with the coins they were. */
export async function lastMembers(db: Transaction, source: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ symbol: string; listing: string }>(
    `select symbol, listing_id as listing from universe.members
      where source = $1 and superseded_at = 'infinity' and valid_to = 'infinity'`,
    [source],
  );
  return new Map(rows.map((row) => [row.symbol, row.listing]));
}

export interface UniverseQuery {
  source?: string;
  /** The venue's time; default the newest. */
  asOf?: Date;
  /** Our time; default what was known when the universe that held at `asOf` was chosen. */
  knownAt?: Date;
}

/** The universe that held at one time, as it was known at another; by source and rank. */
export async function listUniverse(database: Database, query: UniverseQuery = {}): Promise<Member[]> {
  const { rows } = await database.query<Member>(membersSql, [
    query.source ?? null,
    query.asOf ?? null,
    query.knownAt ?? null,
  ]);
  return rows;
}
