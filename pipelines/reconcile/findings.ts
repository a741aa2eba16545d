import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Channel, Difference } from './trust.ts';
import { trustedOf } from './trust.ts';

const recordSql = sqlFile(import.meta.url, 'sql/record.sql');
const pruneSql = sqlFile(import.meta.url, 'sql/prune.sql');

/** A row of the report. Times are RFC 3339. */
export interface Finding {
  table: string;
  source: string;
  symbol: string;
  interval: string;
  openTime: string;
  /** A column; `bar` where one channel has no bar. */
  field: string;
  /** What each channel says; null where it has no bar. */
  values: Partial<Record<Channel, string | null>>;
  trusted: Channel;
  reason: string;
  foundAt: string;
  resolvedAt: string | null;
}

/** What was compared: differences of it that were not found again are resolved. */
export interface Scope {
  /** The channel that bars of the lake were checked against. */
  against: Channel;
  source?: string | undefined;
  symbols?: readonly string[] | undefined;
  interval: string;
  fromUs: number;
  toUs: number;
}

const findingsKept = 100_000;
const resolvedDaysKept = 90;
const listMax = 10_000;

/**
 * Records what one comparison found: a difference that is known is seen again, one of the scope that is not found any more
 * is resolved (unless there were too many to tell).
 */
export async function recordDifferences(
  tx: Transaction,
  run: string,
  scope: Scope,
  found: readonly Difference[],
  isWhole: boolean,
): Promise<void> {
  const rows = found.map((difference) => {
    const { source, symbol, interval, openTime, field, checked, against } = difference;
    const values = { [checked.channel]: checked.value, [against.channel]: against.value };
    return {
      ...{ table: `market.${checked.channel}`, source, symbol, interval, openTime, field, values },
      ...trustedOf(difference),
    };
  });
  if (rows.length > 0) await tx.query(recordSql, [run, JSON.stringify(rows)]);
  if (!isWhole) return;
  await tx.query(
    `update lake.reconciliation set resolved_at = clock_timestamp()
      where resolved_at is null and run <> $1 and by_channel ? $2 and "interval" = $3
        and open_time >= to_timestamp($4 / 1e6) and open_time < to_timestamp($5 / 1e6)
        and ($6::text is null or source = $6) and ($7::text[] is null or symbol = any($7))`,
    [
      run,
      scope.against,
      scope.interval,
      scope.fromUs,
      scope.toUs,
      scope.source ?? null,
      scope.symbols ?? null,
    ],
  );
}

/** Forgets what was resolved long ago, and what was seen the longest ago of too many. */
export async function pruneFindings(db: Pick<Transaction, 'query'>): Promise<void> {
  await db.query(pruneSql, [resolvedDaysKept, findingsKept]);
}

/** Differences that are open, the newest bars first; at most 10,000. */
export async function listFindings(
  database: Database,
  filter: { symbols?: readonly string[] | undefined; intervals?: readonly string[] | undefined } = {},
): Promise<Finding[]> {
  const { rows } = await database.query<Finding>(
    `select table_name as "table", source, symbol, "interval", to_json(open_time) #>> '{}' as "openTime", field,
            by_channel as values, trusted, reason, to_json(found_at) #>> '{}' as "foundAt", null as "resolvedAt"
       from lake.reconciliation
      where resolved_at is null and ($1::text[] is null or symbol = any($1)) and ($2::text[] is null or "interval" = any($2))
      order by open_time desc, source, symbol, lake.step("interval"), field limit ${listMax}`,
    [filter.symbols ?? null, filter.intervals ?? null],
  );
  return rows;
}
