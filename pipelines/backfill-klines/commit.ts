import { randomUUID } from 'node:crypto';
import type { Explanation } from '#core/lake/coverage.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { klines } from '#core/lake/tables.ts';
import { intervalUs, isInterval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { rememberArchiveFiles } from '#pipelines/restate-archive/ledger.ts';
import { runsIn } from './bars.ts';
import type { LoadedFile } from './explain.ts';
import type { RefusedFile } from './load.ts';
import type { BarReport } from './report.ts';

const offeredSql = sqlFile(import.meta.url, 'sql/offered.sql');
/** Keys of all that is offered. */
const keys = `(select listing, "interval", open_us, step_us from brought
               union all select listing, "interval", open_us, step_us from filled)`;
const damagedMax = 20;

/** Where bars came from. */
export interface Taken {
  files: LoadedFile[];
  answers: number;
}

export interface BarCommit {
  lake: Lake;
  source: string;
  taken: Taken;
  damaged: readonly RefusedFile[];
  explained: readonly Explanation[];
  filled: number;
  left: number;
  finish?: ((tx: Transaction, report: BarReport) => Promise<void>) | undefined;
}

/**
 * Commits the bars of DuckDB's tables `brought` and `filled` in the place of what the lake holds at their times, with
 * explanations, the archive's files and the caller's mark. A flat bar never takes the place of one of the venue's.
 */
export async function commitBars(duck: DuckDb, commit: BarCommit): Promise<BarReport> {
  const { lake, source, taken, explained, filled, left, finish } = commit;
  const meters = metersOf(lake);
  for (const { error } of commit.damaged) meters.damaged.inc({ damage: String(error.context['damage']) });
  const added = await runsIn(duck, keys, source);
  const bars = added.reduce((sum, range) => sum + lengthOf(range), 0);
  const report = (unchanged: boolean): BarReport => ({
    ...{ rows: unchanged ? 0 : bars, filled, left, unchanged },
    explained: explained.reduce((sum, range) => sum + lengthOf(range), 0),
    ...{ files: taken.files.length, answers: taken.answers },
    damaged: commit.damaged.slice(0, damagedMax).map(({ file, error }) => ({
      ...{ file: file.path, damage: String(error.context['damage']), message: error.message },
    })),
  });
  if (added.length === 0 && explained.length === 0) return report(true);
  const commitId = randomUUID();
  const { unchanged } = await replaceSpans(lake, duck, {
    ...{
      commitId,
      table: klines,
      relation: offeredSql,
      spans: added,
      added,
      explained,
    },
    summary: { 'ticklake.channel': channelOf(taken) },
    guard: async (tx, facts) => {
      await rememberArchiveFiles(tx, source, commitId, taken.files);
      await finish?.(tx, report(facts.unchanged));
    },
  });
  if (!unchanged) {
    const ofFiles = taken.files.reduce((sum, { rows }) => sum + rows, 0);
    meters.bars.inc({ origin: 'archive' }, ofFiles);
    meters.bars.inc({ origin: 'filled' }, filled);
    meters.bars.inc({ origin: 'rest' }, bars - ofFiles - filled);
  }
  return report(unchanged);
}

function channelOf({ files, answers }: Taken): string {
  return [...(files.length > 0 ? ['archive'] : []), ...(answers > 0 ? ['rest'] : [])].join('+');
}

function lengthOf({ lo, hi, interval = '' }: { lo: number; hi: number; interval?: string }): number {
  return isInterval(interval) ? (hi - lo) / intervalUs(interval) : 0;
}

function metersOf({ metrics }: Lake) {
  return {
    bars: metrics.counter(
      'ticklake_backfill_bars_total',
      'Bars brought into the lake, by where they came from',
      ['origin'],
    ),
    damaged: metrics.counter(
      'ticklake_backfill_damaged_files_total',
      'Files of bars that could not be taken, by damage',
      ['damage'],
    ),
  };
}
