import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Explanation, IdRange } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import { firstListing } from '#pipelines/ingest-trades/symbols.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { rememberArchiveFiles } from '#pipelines/restate-archive/ledger.ts';
import { expectSpan, explainRest, explanationsOf, type LoadedFile } from './explain.ts';
import { loadFiles, type RefusedFile } from './load.ts';
import { groupFiles, selectKlineFiles, type KlineFile, type KlineSelection } from './select.ts';

const runsSql = sqlFile(import.meta.url, 'sql/runs.sql');

export interface KlineBackfill extends KlineSelection {
  lake: Lake;
  archive: Archive;
  /** The venue: `binance`. */
  source: string;
  spillDir: string;
  /** Bars that end later are not closed; default is this machine's clock. */
  nowUs?: number;
  signal?: AbortSignal;
  /** Told after each commit. */
  progress?: (done: number, total: number) => void;
}

/** Tasks are files of the archive. */
export interface KlineBackfillReport {
  tasks: number;
  done: number;
  failed: number;
  /** Bars of the commits that changed something. */
  rows: number;
  /** Bars made flat for calendar gaps: none, as the archive has all that the exchange has. */
  filled: number;
  /** Of those done, the files of commits that found everything held as it is. */
  unchanged: number;
  failures: { file: string; message: string }[];
}

/**
 * Brings bars of the bulk archive into the lake, upserting by open time: a few commits, each whole or not at all, so that
 * a run after a kill completes it and a second run changes nothing. Files that cannot be taken are reported, and the
 * others go on.
 * @throws NOT_FOUND where the archive holds nothing that is asked for, and what commits throw.
 */
export async function backfillKlines(request: KlineBackfill): Promise<KlineBackfillReport> {
  const { archive, spillDir, signal, progress } = request;
  const files = await selectKlineFiles(archive, request, signal);
  const before = filesBefore(files);
  const report: KlineBackfillReport = {
    ...{ tasks: files.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0, failures: [] },
  };
  const folder = join(spillDir, `klines-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  try {
    for (const group of groupFiles(files)) {
      await backfillGroup(duck, request, { group, before, folder }, report);
      progress?.(report.done + report.failed, report.tasks);
    }
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
  return report;
}

interface Group {
  group: readonly KlineFile[];
  before: ReadonlyMap<string, KlineFile>;
  folder: string;
}

async function backfillGroup(
  duck: DuckDb,
  request: KlineBackfill,
  { group, before, folder }: Group,
  report: KlineBackfillReport,
): Promise<void> {
  const { lake, archive, source, signal, nowUs = Date.now() * 1_000 } = request;
  const { fromUs = 0, toUs = Number.MAX_SAFE_INTEGER } = request;
  const load = { archive, files: group, source, fromUs, toUs, nowUs, folder, signal };
  const { loaded, refused } = await loadFiles(duck, load);
  note(report, refused);
  if (loaded.length > 0) {
    const added = await runsOf(duck, source);
    const explained = loaded.flatMap((each) => explanations(each, before, request));
    const commitId = randomUUID();
    const { unchanged } = await replaceSpans(lake, duck, {
      commitId,
      table: klines,
      relation: 'accepted',
      spans: added,
      added,
      explained: [],
      summary: { 'ticklake.channel': 'archive' },
      guard: async (tx) => {
        if (isBounded(request)) await expectSpan(tx, tableId(klines), added, { fromUs, toUs });
        await explainRest(tx, tableId(klines), explained);
        await rememberArchiveFiles(tx, source, commitId, loaded);
      },
    });
    if (!unchanged) {
      const [row] = await duck.rows('select count(*) as bars from accepted');
      report.rows += Number(row?.['bars'] ?? 0);
    }
    if (unchanged) report.unchanged += group.length - refused.length;
  }
  report.done += group.length - refused.length;
}

/** Who names a span expects all of it, between the archive's files too; what a file lacks is explained all the same. */
function explanations(loaded: LoadedFile, before: Group['before'], request: KlineBackfill): Explanation[] {
  const { symbol, interval, path } = loaded.file;
  const market = { source: request.source, listing: firstListing(symbol), interval };
  const all = explanationsOf(loaded, before.get(path), market);
  return isBounded(request) ? all.filter(({ cause }) => cause !== 'not_requested') : all;
}

function isBounded({ fromUs, toUs }: KlineSelection): boolean {
  return fromUs !== undefined || toUs !== undefined;
}

/** By path, the file of the same market and interval before it. */
function filesBefore(files: readonly KlineFile[]): Map<string, KlineFile> {
  const latest = new Map<string, KlineFile>();
  const before = new Map<string, KlineFile>();
  for (const file of files) {
    const market = `${file.symbol}/${file.interval}`;
    const previous = latest.get(market);
    if (previous !== undefined) before.set(file.path, previous);
    latest.set(market, file);
  }
  return before;
}

async function runsOf(duck: DuckDb, source: string): Promise<IdRange[]> {
  const rows = await duck.rows(runsSql);
  return rows.map((row) => ({
    source,
    listing: firstListing(String(row['symbol'])),
    interval: String(row['interval']),
    lo: Number(row['lo']),
    hi: Number(row['hi']),
  }));
}

function note(report: KlineBackfillReport, refused: readonly RefusedFile[]): void {
  report.failed += refused.length;
  report.failures.push(...refused.map(({ file, error }) => ({ file: file.path, message: error.message })));
}
