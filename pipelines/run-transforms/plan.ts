import { loadTable, currentSnapshotId } from '#core/lake/catalog.ts';
import type { Lake } from '#core/lake/lake.ts';
import { foldOutsideCommits } from '#core/lake/outside.ts';
import { tableId, type LakeTable } from '#core/lake/tables.ts';
import type { Long } from '#core/iceberg/types.ts';
import { isInterval, type Interval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { sources, warmUpBars, type Mart } from './marts.ts';

const publishedSql = sqlFile(import.meta.url, 'sql/published.sql');
const changedSql = sqlFile(import.meta.url, 'sql/changed.sql');

/** Open times [lo, hi) of one market's bars, microseconds. */
export interface BarRange {
  source: string;
  symbol: string;
  interval: Interval;
  lo: number;
  hi: number;
}

/** A table that marts are made of, as it was when the plan was made. */
export interface SourceVersion {
  table: LakeTable;
  snapshotId: Long | null;
  /** Its newest commit in the ledger. */
  seq: number;
}

/** What of a mart is to be made again. */
export interface MartPlan {
  mart: Mart;
  /** Intervals that are published, with the commit that each was last published by. */
  intervals: ReadonlyMap<Interval, string | null>;
  /** Those of them that are made wholly. */
  whole: ReadonlySet<Interval>;
  /** Of the others, rows of these bars. */
  ranges: readonly BarRange[];
  /** Of the SQL that the rows which stay were made by; null where none stay. */
  sqlSha256: string | null;
  /** Whether the files that the SQL is compiled from have changed since: it may be another now. */
  isSuspect: boolean;
}

export interface Plan {
  projectSha256: string;
  sources: readonly SourceVersion[];
  marts: readonly MartPlan[];
}

export interface PlanRequest {
  /** Of the files that the SQL is compiled from. */
  projectSha256: string;
  marts: readonly Mart[];
  /** Default: all there are. */
  intervals?: readonly Interval[] | undefined;
  /** Everything anew, whatever has changed. */
  fullRefresh?: boolean | undefined;
}

interface PublishedRow {
  table: string;
  interval: string;
  commitId: string;
  sources: Record<string, number>;
  sqlSha256: string;
  projectSha256: string;
  isKnown: boolean;
}

/**
 * What marts lack of the newest state of their sources, by the ledger of commits: rows that follow from bars which were
 * added, removed or revised since. What was never published, or by other SQL, or was set back since, is made wholly.
 * @throws TABLE_DIVERGED where another program has set a source or a mart back.
 */
export async function planMarts(lake: Lake, request: PlanRequest): Promise<Plan> {
  // What other programs have committed counts as well.
  for (const table of [...sources, ...request.marts.map((mart) => mart.table)]) {
    await foldOutsideCommits(lake, table);
  }
  return await lake.database.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const versions = await Promise.all(sources.map((table) => versionOf(lake, tx, table)));
    const { rows } = await tx.query<PublishedRow>(publishedSql, [
      request.marts.map(({ table }) => tableId(table)),
    ]);
    const held = await heldIntervals(tx);
    const plans: MartPlan[] = [];
    for (const mart of request.marts) {
      const published = rows.filter(({ table }) => table === tableId(mart.table));
      const there = new Set([...held, ...published.map(({ interval }) => interval)]);
      const isWanted = (interval: Interval): boolean =>
        [request.intervals, mart.intervals].every((chosen) => chosen?.includes(interval) ?? true);
      const wanted = [...there].filter(isInterval).filter(isWanted);
      plans.push(await planMart(tx, mart, wanted, published, request));
    }
    return { projectSha256: request.projectSha256, sources: versions, marts: plans };
  });
}

/** The plan with marts that are made wholly, as those whose SQL has changed must be. */
export function wholly(plan: Plan, stale: readonly Mart[]): Plan {
  return {
    ...plan,
    marts: plan.marts.map((each) =>
      stale.includes(each.mart)
        ? { ...each, whole: new Set(each.intervals.keys()), ranges: [], sqlSha256: null }
        : each,
    ),
  };
}

/** Whether a mart is to be built. */
export function isDue({ whole, ranges, isSuspect }: MartPlan): boolean {
  return whole.size > 0 || ranges.length > 0 || isSuspect;
}

async function versionOf(lake: Lake, tx: Transaction, table: LakeTable): Promise<SourceVersion> {
  const { metadata } = await loadTable(lake, table, tx);
  const { rows } = await tx.query<{ seq: number }>(
    'select coalesce(max(seq), 0) as seq from lake.commits where table_name = $1',
    [tableId(table)],
  );
  return { table, snapshotId: currentSnapshotId(metadata), seq: rows[0]?.seq ?? 0 };
}

async function heldIntervals(tx: Transaction): Promise<string[]> {
  const { rows } = await tx.query<{ interval: string }>(
    'select distinct "interval" from lake.coverage where table_name = any($1)',
    [sources.map(tableId)],
  );
  return rows.map(({ interval }) => interval);
}

async function planMart(
  tx: Transaction,
  mart: Mart,
  wanted: readonly Interval[],
  published: readonly PublishedRow[],
  { projectSha256, fullRefresh = false }: PlanRequest,
): Promise<MartPlan> {
  const last = new Map(published.map((row) => [row.interval, row]));
  // All that stays must have been made by the same SQL as what comes.
  const sqlSha256 =
    wanted.map((interval) => last.get(interval)?.sqlSha256).find((hash) => hash !== undefined) ?? null;
  const isKept = (interval: Interval): boolean => {
    const row = last.get(interval);
    return !fullRefresh && row !== undefined && row.isKnown && row.sqlSha256 === sqlSha256;
  };
  const kept = wanted.filter(isKept);
  const known = kept.flatMap((interval) =>
    sources.map((table) => ({
      ...{ interval, table: tableId(table) },
      seq: last.get(interval)?.sources[tableId(table)] ?? 0,
    })),
  );
  return {
    mart,
    intervals: new Map(wanted.map((interval) => [interval, last.get(interval)?.commitId ?? null])),
    whole: new Set(wanted.filter((interval) => !isKept(interval))),
    ranges: known.length === 0 ? [] : await changedBars(tx, mart, known),
    sqlSha256: kept.length === 0 ? null : sqlSha256,
    isSuspect: kept.some((interval) => last.get(interval)?.projectSha256 !== projectSha256),
  };
}

async function changedBars(
  tx: Transaction,
  mart: Mart,
  known: readonly { interval: Interval; table: string; seq: number }[],
): Promise<BarRange[]> {
  const { rows } = await tx.query<BarRange>(changedSql, [
    ...[JSON.stringify(known), mart.barsAhead, warmUpBars],
    ...[mart.markets === 'all', sources.map(tableId)],
  ]);
  return rows;
}
