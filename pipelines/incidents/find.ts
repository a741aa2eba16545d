import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockTable } from '#core/lake/commit.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { listListings } from '#pipelines/discover-symbols/listings.ts';
import type { Found } from './incident.ts';
import { recordIncidents, type Recorded } from './record.ts';
import { findSilences, type StatusSpan } from './silences.ts';

const explainSql = sqlFile(import.meta.url, 'sql/explain.sql');

export interface FindOptions {
  lake: Lake;
  source: string;
  spillDir: string;
  /** Days of minute bars that are looked at, back from the newest. */
  days: number;
}

export interface FoundIncidents extends Recorded {
  source: string;
  found: Found[];
  /** Bars that were missing and are now known to be none, with their cause. */
  explained: number;
}

const dayUs = 86_400_000_000;

/**
 * Finds what befell a venue and its markets, keeps it in the ledger, and says of bars that are missing for it why. By
 * rule: minute bars without a trade (see {@link findSilences}), statuses other than TRADING, and what the universe's
 * listings tell of ends and begins. A second run changes nothing.
 */
export async function findIncidents(options: FindOptions): Promise<FoundIncidents> {
  const { lake, source } = options;
  const { database } = lake;
  const statuses = await statusSpans(database, source);
  const silences = await silencesOf(options, statuses);
  const found = [...silences, ...byStatus(statuses), ...(await byListing(lake, source))];
  const recorded = await database.transaction((tx) => recordIncidents(tx, source, found));
  const explained = await database.transaction(async (tx) => {
    await lockTable(tx, tableId(klines));
    const { rows } = await tx.query<{ bars: number }>(explainSql, [tableId(klines), source]);
    return rows[0]?.bars ?? 0;
  });
  lake.metrics
    .gauge('ticklake_incidents', 'Incidents that were found last', ['source'])
    .set({ source }, found.length);
  return { source, found, ...recorded, explained };
}

async function silencesOf(
  { lake, source, spillDir, days }: FindOptions,
  statuses: readonly StatusSpan[],
): Promise<Found[]> {
  const { rows } = await lake.database.query<{ lo: number | null; hi: number | null }>(
    `select min(lo) as lo, max(hi) as hi from lake.coverage where table_name = $1 and source = $2 and "interval" = '1m'`,
    [tableId(klines), source],
  );
  const [{ lo = null, hi = null } = {}] = rows;
  if (lo === null || hi === null) return [];
  const folder = join(spillDir, `incidents-${randomUUID()}`);
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  try {
    return await findSilences(
      duck,
      lake,
      source,
      { fromUs: Math.max(lo, hi - days * dayUs), toUs: hi },
      statuses,
    );
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function statusSpans(db: Pick<Transaction, 'query'>, source: string): Promise<StatusSpan[]> {
  const { rows } = await db.query<StatusSpan>(
    `select symbol, status, first_seen_us as "firstSeenUs", last_seen_us as "lastSeenUs", next_seen_us as "nextSeenUs",
            delisted_us is not null as "isDelisted"
       from (select s.*, lead(s.first_seen_us) over (partition by s.symbol, s.number order by s.first_seen_us)
                           as next_seen_us, l.delisted_us
               from universe.statuses s join universe.listings l using (source, symbol, number)
              where s.source = $1) spans
      where status <> 'TRADING' order by symbol, first_seen_us`,
    [source],
  );
  return rows;
}

/** A market may stand still while no bars of it are held: then the venue's word is all there is. */
function byStatus(statuses: readonly StatusSpan[]): Found[] {
  return statuses
    .filter(({ isDelisted, nextSeenUs }) => !(isDelisted && nextSeenUs === null))
    .map(({ symbol, status, firstSeenUs, lastSeenUs, nextSeenUs }) => ({
      ...{ symbol, kind: 'halt', fromUs: firstSeenUs, toUs: nextSeenUs, foundBy: 'status' },
      cause: `the venue called it ${status}`,
      evidence: { status, firstSeenUs, lastSeenUs },
    }));
}

async function byListing({ database }: Lake, source: string): Promise<Found[]> {
  const listings = await listListings(database, { source });
  return listings.flatMap(({ symbol, number, base, status, listedUs, delistedUs }): Found[] => {
    const next = listings.find((other) => other.symbol === symbol && other.number === number + 1);
    const evidence = { listing: `${symbol}#${number}`, base, status };
    const delisting: Found[] =
      delistedUs === null
        ? []
        : [
            {
              ...{ symbol, kind: 'delisting', fromUs: delistedUs, foundBy: 'universe', evidence },
              toUs: next?.listedUs ?? null,
              cause: `${base} is not traded under this name any more`,
            },
          ];
    if (number === 1 || listedUs === null) return delisting;
    const relisting: Found = {
      ...{ symbol, kind: 'relisting', fromUs: listedUs, toUs: delistedUs, foundBy: 'universe', evidence },
      cause: `the name went to another coin, ${symbol}#${number}`,
    };
    return [...delisting, relisting];
  });
}
