import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { lockTable } from '#core/lake/commit.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { expectWanted, unranked, want } from '#pipelines/detect-gaps/wanted.ts';
import { holderAt, type NameHolder } from '#pipelines/discover-symbols/listing-at.ts';
import type { Tape } from './tape.ts';

/** A file of the selection; without a tape where it could not be taken. */
export interface LoadedFile {
  file: ArchiveFile;
  listing: string;
  tape: Tape | undefined;
}

/** What is known of the ids that a damaged file ought to have. */
export interface DamagedIds {
  /** They are wanted from now on, and a gap until they are brought; null where they cannot be known. */
  ids: { from: number; to: number } | null;
  /** Where they cannot be known: why, and who can tell. */
  unknown?: string;
}

export interface DamagedRequest {
  source: string;
  holders: readonly NameHolder[];
  file: ArchiveFile;
  /** All files of the selection, in order. */
  loaded: readonly LoadedFile[];
}

/**
 * Makes the ids of a damaged day wanted, so that it is a gap also before the first and after the last file that could be
 * taken. They are known by their neighbours: the last trade of the day before and the first of the day after, from the
 * selection or from what the lake holds.
 */
export async function wantDamaged(database: Database, request: DamagedRequest): Promise<DamagedIds> {
  const { source, holders, file, loaded } = request;
  const { symbol, granularity, label, period } = file;
  const listing = holderAt(holders, symbol, period.fromUs);
  const ofListing = loaded.filter((other) => other.listing === listing);
  const before = ofListing.find((other) => other.file.period.toUs === period.fromUs);
  const after = ofListing.find((other) => other.file.period.fromUs === period.toUs);
  const from = before?.tape?.runs.at(-1)?.to ?? (await endOfDay(database, source, listing, period.fromUs));
  const to = after?.tape?.runs[0]?.from ?? (await beginOfDay(database, source, listing, period.toUs));
  if (from === undefined || to === undefined) {
    const side = from === undefined ? 'before' : 'after';
    const unknown =
      `which ids it ought to have is not known, as nothing is held of the day ${side} it: ` +
      `\`ticklake gaps detect --trades --symbols ${symbol} --from ${dayOf(period.fromUs)} ` +
      `--to ${dayOf(period.toUs)}\` asks the venue`;
    return { ids: null, unknown };
  }
  if (from >= to) return { ids: null, unknown: 'its neighbours leave no ids for it' };
  const window = { table: tableId(trades), source, listing, lo: from, hi: to, rank: unranked };
  // A month's ids have no day of their own.
  const windows = [granularity === 'daily' ? { ...window, day: label } : window];
  await database.transaction(async (tx) => {
    await lockTable(tx, tableId(trades));
    await want(tx, windows);
    await expectWanted(tx, windows);
  });
  return { ids: { from, to } };
}

const dayUs = 86_400_000_000;

/** One past the last id of the day that ends there. */
async function endOfDay(
  database: Database,
  source: string,
  listing: string,
  endUs: number,
): Promise<number | undefined> {
  return (await heldDay(database, source, listing, endUs - dayUs))?.next;
}

async function beginOfDay(
  database: Database,
  source: string,
  listing: string,
  fromUs: number,
): Promise<number | undefined> {
  return (await heldDay(database, source, listing, fromUs))?.first;
}

async function heldDay(
  database: Database,
  source: string,
  listing: string,
  fromUs: number,
): Promise<{ first: number; next: number } | undefined> {
  const { rows } = await database.query<{ first: number; next: number }>(
    `select first_id as first, last_id + 1 as next from lake.tape_days
      where table_name = $1 and source = $2 and listing = $3 and day = $4::date`,
    [tableId(trades), source, listing, dayOf(fromUs)],
  );
  return rows[0];
}

function dayOf(us: number): string {
  return new Date(us / 1_000).toISOString().slice(0, 10);
}
