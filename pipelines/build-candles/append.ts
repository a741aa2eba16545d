import { randomUUID } from 'node:crypto';
import { countKeys } from '#core/lake/commit-ledger.ts';
import { commitAppend } from '#core/lake/commit.ts';
import type { IdRange } from '#core/lake/coverage.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { discardFiles, stageFiles } from '#core/lake/stage.ts';
import { candles, quoted, tableId } from '#core/lake/tables.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { madeColumns } from './make.ts';

const revisionsSql = sqlFile(import.meta.url, 'sql/revisions.sql');
const runsSql = sqlFile(import.meta.url, 'sql/runs.sql');
const explainHolesSql = sqlFile(import.meta.url, 'sql/explain-holes.sql');

export interface AppendedCandles {
  /** Bars that are new, and those that have another revision now. */
  added: number;
  revised: number;
  /** Null where all were as they had been. */
  commitId: string | null;
}

export interface AppendRequest {
  source: string;
  /** Of the snapshot. */
  summary: Readonly<Record<string, string>>;
  /** What else belongs to the commit, also where there is nothing to append; called again when its transaction is. */
  guard: (tx: Transaction, appended: AppendedCandles) => Promise<void>;
}

/**
 * Appends to `market.candles` what differs between two tables of this DuckDB: `made`, bars of one source with their listing
 * and the revision they have at least, and `held`, what the lake has of them. What is held and not made is withdrawn.
 */
export async function appendRevisions(
  duck: DuckDb,
  lake: Lake,
  { source, summary, guard }: AppendRequest,
): Promise<AppendedCandles> {
  await duck.run(
    revisionsSql
      .replaceAll('$columns', madeColumns.map(({ name }) => quoted(name)).join(', '))
      .replace('$computed_at', literal(new Date().toISOString())),
  );
  const { added, revised } = await runsOf(duck, source);
  const counts = { added: countKeys(added), revised: countKeys(revised) };
  const commitId = counts.added + counts.revised === 0 ? null : randomUUID();
  const appended = { ...counts, commitId };
  if (commitId === null) {
    await lake.database.transaction((tx) => guard(tx, appended));
    return appended;
  }
  const files = await stageFiles(duck, lake.store, candles, lake.locationOf(candles), 'revisions');
  try {
    await commitAppend(lake, {
      ...{ commitId, table: candles, files, added, revised, days: [], explained: [], offsets: [], summary },
      guard: async (tx) => {
        await explainHoles(tx, source, added);
        await guard(tx, appended);
      },
    });
    return appended;
  } catch (error) {
    if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
    throw error;
  }
}

/** Bars that are to be appended: those that are new, and those that have another revision now. */
async function runsOf(duck: DuckDb, source: string): Promise<{ added: IdRange[]; revised: IdRange[] }> {
  const runs = await duck.rows(runsSql);
  const ranges = (isRevised: boolean): IdRange[] =>
    runs
      .filter((run) => run['is_revised'] === isRevised)
      .map((run) => ({
        ...{ source, listing: String(run['listing']), interval: String(run['interval']) },
        ...{ lo: Number(run['lo']), hi: Number(run['hi']) },
      }));
  return { added: ranges(false), revised: ranges(true) };
}

async function explainHoles(tx: Transaction, source: string, added: readonly IdRange[]): Promise<void> {
  const kinds = new Map(added.map((range) => [`${range.listing} ${range.interval ?? ''}`, range]));
  await tx.query(explainHolesSql, [
    ...[tableId(candles), source],
    [...kinds.values()].map(({ listing }) => listing),
    [...kinds.values()].map(({ interval }) => interval ?? ''),
  ]);
}
