import type { Transaction } from '#core/platform/postgres/database.ts';

export type IncidentKind = 'outage' | 'halt' | 'delisting' | 'relisting' | 'maintenance';

/** By which rule an incident was found: nothing was traded, the venue's word for a status, or what it lists. */
export type FoundBy = 'silence' | 'status' | 'universe';

/** What befell a venue or a market. Times are the venue's, microseconds since 1970, half-open. */
export interface Found {
  /** Null: the whole venue. */
  symbol: string | null;
  kind: IncidentKind;
  fromUs: number;
  /** Null: until further notice. */
  toUs: number | null;
  cause: string;
  evidence: Record<string, unknown>;
  foundBy: FoundBy;
}

/** An incident as the ledger has it. Times are RFC 3339. */
export interface Incident {
  incidentId: number;
  source: string;
  symbol: string | null;
  kind: IncidentKind;
  from: string;
  to: string | null;
  cause: string;
  evidence: Record<string, unknown>;
  foundBy: string;
  recordedAt: string;
}

export interface IncidentFilter {
  source?: string;
  /** Incidents of the whole venue are among them. */
  symbols?: readonly string[];
  kinds?: readonly string[];
  fromUs?: number;
  toUs?: number;
  /** What was known then; default what is known. */
  knownAt?: Date;
}

const listedMax = 10_000;

/** Incidents that touch a time, the oldest first; at most 10,000. */
export async function listIncidents(
  db: Pick<Transaction, 'query'>,
  { source, symbols, kinds, fromUs, toUs, knownAt }: IncidentFilter = {},
): Promise<Incident[]> {
  const { rows } = await db.query<Incident>(
    `select incident_id as "incidentId", source, symbol, kind, jobs.iso(to_timestamp(from_us / 1e6)) as "from",
            jobs.iso(to_timestamp(to_us / 1e6)) as "to", cause, evidence, found_by as "foundBy",
            jobs.iso(recorded_at) as "recordedAt"
       from lake.incidents
      where ($1::text is null or source = $1) and ($2::text[] is null or symbol is null or symbol = any($2))
        and ($3::text[] is null or kind = any($3))
        and ($4::bigint is null or to_us is null or to_us > $4) and ($5::bigint is null or from_us < $5)
        and case when $6::timestamptz is null then superseded_at = 'infinity'
                 else recorded_at <= $6 and superseded_at > $6 end
      order by source, from_us, symbol nulls first, kind limit ${listedMax}`,
    [source ?? null, symbols ?? null, kinds ?? null, fromUs ?? null, toUs ?? null, knownAt ?? null],
  );
  return rows;
}
