import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import { unranked, want } from '#pipelines/detect-gaps/wanted.ts';
import { rememberArchiveFiles } from '#pipelines/restate-archive/ledger.ts';
import { runsIn } from './bars.ts';
import { claimsOf } from './claims.ts';
import { expectSpan, explainRest, explanationsOf } from './explain.ts';
import { endOfTimeUs, holdersOf, ofHolders, spansOf } from './holders.ts';
import { loadFiles, type RefusedFile } from './load.ts';
import { groupFiles, selectKlineFiles, type KlineFile, type KlineSelection } from './select.ts';

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
  const { fromUs = 0, toUs = endOfTimeUs } = request;
  const holders = await holdersOf(lake.database, source, group);
  const spans = spansOf(holders, { fromUs, toUs });
  const { loaded, refused } = await loadFiles(duck, {
    ...{ archive, files: group, source, spans, nowUs, folder, signal },
  });
  note(report, refused);
  const isBounded = request.fromUs !== undefined || request.toUs !== undefined;
  const within = { fromUs, toUs };
  const wanted = claimsOf(group, loaded, { before, within, isBounded, nowUs }).flatMap((claim) =>
    ofHolders(holders, claim.symbol, claim).map((range) => ({ ...range, ...wantedOf(source) })),
  );
  if (loaded.length === 0) {
    await want(lake.database, wanted);
    return;
  }
  const added = await runsIn(duck, 'accepted', source);
  const explained = loaded.flatMap((each) =>
    explanationsOf(each, before.get(each.file.path))
      // Who names a span expects all of it, between the archive's files too.
      .filter(({ cause }) => !isBounded || cause !== 'not_requested')
      .flatMap((range) => ofHolders(holders, each.file.symbol, range).map((of) => ({ ...of, source }))),
  );
  const commitId = randomUUID();
  const { unchanged } = await replaceSpans(lake, duck, {
    ...{ commitId, table: klines, relation: 'accepted', spans: added, added, explained: [] },
    summary: { 'ticklake.channel': 'archive' },
    guard: async (tx) => {
      if (isBounded) await expectSpan(tx, tableId(klines), added, { fromUs, toUs });
      await explainRest(tx, tableId(klines), explained);
      await want(tx, wanted);
      await rememberArchiveFiles(tx, source, commitId, loaded);
    },
  });
  const done = group.length - refused.length;
  if (unchanged) report.unchanged += done;
  else report.rows += loaded.reduce((sum, { rows }) => sum + rows, 0);
  report.done += done;
}

function wantedOf(source: string) {
  return { table: tableId(klines), source, rank: unranked };
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

function note(report: KlineBackfillReport, refused: readonly RefusedFile[]): void {
  report.failed += refused.length;
  report.failures.push(...refused.map(({ file, error }) => ({ file: file.path, message: error.message })));
}
