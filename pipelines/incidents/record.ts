import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Found } from './incident.ts';

/** What is known at present; `id` is its row's. */
type Known = Omit<Found, 'cause' | 'evidence' | 'foundBy'> & { id: number; foundBy: string };

export interface Recorded {
  added: number;
  /** Known ones whose bounds were found to be others, or that are none. */
  corrected: number;
}

/**
 * Brings the ledger of a source to what was found. An incident that was known with other bounds is superseded by what
 * covers both; one that only the venue's word told of, by what its bars say; one that the universe does not tell of any
 * more, and a halt within an outage, are retracted. What is known already stays as it is.
 */
export async function recordIncidents(
  tx: Transaction,
  source: string,
  found: readonly Found[],
): Promise<Recorded> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('incidents ' || $1, 0))`, [source]);
  const known = await knownOf(tx, source);
  const outages = [...known, ...found].filter(({ kind }) => kind === 'outage');
  const isPartOfOutage = (one: Bounds): boolean =>
    one.kind === 'halt' && outages.some((outage) => isWithin(one, outage));
  const gone = new Set<number>();
  const added: Found[] = [];
  for (const one of found.filter((each) => !isPartOfOutage(each))) {
    const same = known.filter((each) => !gone.has(each.id) && isSame(each, one));
    const isSaid = (each: Bounds & { foundBy: string }) => each.foundBy === 'silence' && isSame(each, one);
    if (one.foundBy === 'status' && [...known, ...added].some(isSaid)) continue;
    const next = one.foundBy === 'silence' ? joined(one, same) : one;
    const [only, ...others] = same;
    if (only !== undefined && others.length === 0 && isEqual(only, next)) continue;
    for (const { id } of same) gone.add(id);
    added.push(next);
  }
  for (const each of known) {
    const isStillListed = found.some((one) => one.foundBy === 'universe' && isSame(each, one));
    if ((each.foundBy === 'universe' && !isStillListed) || isPartOfOutage(each)) gone.add(each.id);
  }
  await supersede(tx, [...gone]);
  await insert(tx, source, added);
  return { added: added.length, corrected: gone.size };
}

async function knownOf(tx: Transaction, source: string): Promise<Known[]> {
  const { rows } = await tx.query<Known>(
    `select incident_id as id, symbol, kind, from_us as "fromUs", to_us as "toUs", found_by as "foundBy"
       from lake.incidents where source = $1 and superseded_at = 'infinity'`,
    [source],
  );
  return rows;
}

type Bounds = Pick<Found, 'symbol' | 'kind' | 'fromUs' | 'toUs'>;

/** Whether two may be one incident: of one market and kind, and they touch. A listing's begin and end are exact. */
function isSame(a: Bounds & { foundBy: string }, b: Bounds & { foundBy: string }): boolean {
  if (a.symbol !== b.symbol || a.kind !== b.kind) return false;
  if (a.foundBy === 'universe' || b.foundBy === 'universe')
    return a.foundBy === b.foundBy && a.fromUs === b.fromUs;
  return a.fromUs <= endOf(b) && b.fromUs <= endOf(a);
}

function joined(found: Found, same: readonly Known[]): Found {
  const silent = same.filter(({ foundBy }) => foundBy === 'silence');
  const fromUs = Math.min(found.fromUs, ...silent.map((each) => each.fromUs));
  const ends = silent.flatMap(({ toUs }) => (toUs === null ? [] : [toUs]));
  return { ...found, fromUs, toUs: found.toUs === null ? null : Math.max(found.toUs, ...ends) };
}

function isEqual(a: Known, b: Found): boolean {
  return a.fromUs === b.fromUs && a.toUs === b.toUs && a.foundBy === b.foundBy;
}

function isWithin(inner: Bounds, outer: Bounds): boolean {
  return inner.fromUs >= outer.fromUs && endOf(inner) <= endOf(outer);
}

function endOf({ toUs }: Bounds): number {
  return toUs ?? Infinity;
}

async function supersede(tx: Transaction, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    'update lake.incidents set superseded_at = clock_timestamp() where incident_id = any($1::bigint[])',
    [ids],
  );
}

async function insert(tx: Transaction, source: string, found: readonly Found[]): Promise<void> {
  if (found.length === 0) return;
  await tx.query(
    `insert into lake.incidents (source, symbol, kind, from_us, to_us, cause, evidence, found_by)
     select $1, symbol, kind, "fromUs", "toUs", cause, evidence, "foundBy"
       from jsonb_to_recordset($2::jsonb) as t(symbol text, kind text, "fromUs" bigint, "toUs" bigint, cause text,
                                               evidence jsonb, "foundBy" text)`,
    [source, JSON.stringify(found)],
  );
}
