import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import type { Explanation } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import { expectSpan, explainRest } from '#pipelines/backfill-klines/explain.ts';
import { nameHolders, type NameHolder } from '#pipelines/discover-symbols/listing-at.ts';
import { rememberArchiveFiles } from '#pipelines/restate-archive/ledger.ts';
import { commitTape, type CommittedTape } from './commit.ts';
import { damagedFile } from './day-file.ts';
import type { DamagedFile } from './report.ts';
import { readTape, type Span, type Tape } from './tape.ts';
import { wantDamaged, type DamagedIds, type LoadedFile } from './want-damaged.ts';

export interface TradeBackfill {
  lake: Lake;
  archive: Archive;
  /** The venue: `binance`. */
  source: string;
  spillDir: string;
  symbols?: readonly string[] | undefined;
  /** Files that touch this span, microseconds, half-open. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
  progress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Tasks are files of the archive. */
export interface TradeBackfillReport {
  tasks: number;
  done: number;
  failed: number;
  rows: number;
  filled: number;
  /** Of those done, the files all of whose trades were held. */
  unchanged: number;
  /** Files that could not be taken, and what is known of the ids they ought to have. */
  failures: (DamagedFile & DamagedIds)[];
  /** Trades that are held with another content than the file has; what is held stays. All are in `lake.differences`. */
  differing: number;
  /** The first of them. */
  differences: { symbol: string; tradeId: number }[];
}

const duckThreads = 2;
const duckMemory = '256MB';
const differencesMax = 100;

/** The files that the archive holds of what is asked for. @throws NOT_FOUND where there are none. */
export async function selectTradeFiles(
  request: Pick<TradeBackfill, 'archive' | 'symbols' | 'fromUs' | 'toUs'>,
): Promise<ArchiveFile[]> {
  const { archive, symbols, fromUs, toUs } = request;
  const bounds = { ...(fromUs === undefined ? {} : { fromUs }), ...(toUs === undefined ? {} : { toUs }) };
  const files: ArchiveFile[] = [];
  for (const series of await archive.series()) {
    if (series.kind !== 'trades' || (symbols !== undefined && !symbols.includes(series.symbol))) continue;
    files.push(...(await archive.list({ ...series, ...bounds })));
  }
  if (files.length > 0) return files;
  throw new TicklakeError('NOT_FOUND', `${archive.place} holds none of the trades that are asked for`, {
    remedy: 'Ask for other symbols or days, or name another folder.',
  });
}

/**
 * Brings trades of a folder of the bulk archive into the lake, a file a commit; ids that are held are compared and stay.
 * A file that cannot be taken is reported, and the others go on. When it is aborted, the report is of what was done.
 * @throws NOT_FOUND where the archive holds nothing that is asked for, and what commits throw.
 */
export async function backfillTrades(request: TradeBackfill): Promise<TradeBackfillReport> {
  const { lake, source, spillDir, signal, progress } = request;
  const files = await selectTradeFiles(request);
  const symbols = [...new Set(files.map(({ symbol }) => symbol))];
  const holders = await nameHolders(lake.database, { source, symbols });
  const report: TradeBackfillReport = {
    ...{ tasks: files.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0 },
    ...{ failures: [], differing: 0, differences: [] },
  };
  const folder = join(spillDir, `trades-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: duckThreads, memoryLimit: duckMemory, spillDir: folder });
  const loaded: LoadedFile[] = [];
  const refused: { file: ArchiveFile; error: TicklakeError }[] = [];
  try {
    for (const file of files) {
      if (signal?.aborted === true) break;
      try {
        const parts = await loadFile(duck, { request, folder, holders, file, before: loaded.at(-1) }, report);
        loaded.push(...parts);
        report.done += 1;
      } catch (error) {
        if (!isTicklakeError(error, 'DATA_CORRUPT') && !isTicklakeError(error, 'NOT_FOUND')) throw error;
        loaded.push({ file, listing: '', tape: undefined });
        refused.push({ file, error });
        report.failed += 1;
      }
      progress?.(report.done + report.failed, report.tasks);
    }
    for (const { file, error } of refused) {
      const known = await wantDamaged(lake.database, { source, holders, file, loaded });
      report.failures.push({ ...damagedFile(file, error), ...known });
    }
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
  return report;
}

interface FileLoad {
  request: TradeBackfill;
  folder: string;
  holders: readonly NameHolder[];
  file: ArchiveFile;
  before: LoadedFile | undefined;
}

/** Loads one file: for each coin that had the name within its period, the trades of that time. */
async function loadFile(
  duck: DuckDb,
  { request, folder, holders, file, before }: FileLoad,
  report: TradeBackfillReport,
): Promise<LoadedFile[]> {
  const { archive, source, signal } = request;
  const fetched = await archive.fetch(file, folder, signal);
  try {
    const parts: LoadedFile[] = [];
    let rows = 0;
    for (const { listing, fromUs, toUs } of holders) {
      const span = {
        fromUs: Math.max(fromUs, file.period.fromUs),
        toUs: Math.min(toUs, file.period.toUs),
      };
      if (span.fromUs >= span.toUs || !listing.startsWith(`${file.symbol}#`)) continue;
      const tape = await readTape(duck, fetched, `${archive.place}/${file.path}`, span);
      if (tape.trades === 0) continue;
      const part = { file, listing, tape };
      const done = await commitPart(duck, request, { part, span, before, sha256: fetched.sha256, source });
      rows += done.rows;
      noteDifferences(report, file.symbol, done);
      parts.push(part);
    }
    report.rows += rows;
    if (rows === 0) report.unchanged += 1;
    return parts;
  } finally {
    await fetched.remove();
  }
}

interface PartCommit {
  part: LoadedFile & { tape: Tape };
  span: Span;
  before: LoadedFile | undefined;
  sha256: string;
  source: string;
}

async function commitPart(
  duck: DuckDb,
  request: TradeBackfill,
  { part, span, before, sha256, source }: PartCommit,
): Promise<CommittedTape> {
  const { file, tape, listing } = part;
  const coin = { source, symbol: file.symbol, listing };
  const between = idsBetween(before, part);
  const explained = [
    ...partsMissing(file, tape, span, coin),
    ...(isBounded(request) ? [] : notRequested(between, before, part, coin)),
  ];
  return await commitTape(duck, request.lake, {
    ...{ coin, tape, channel: 'archive', origin: { origin: file.path, sha256 } },
    expectsBetween: isBounded(request),
    async guard(tx, { commitId }) {
      const keys = tape.runs.map(({ from, to }) => ({ lo: from, hi: to }));
      await rememberArchiveFiles(tx, source, commitId, [{ file, sha256, rows: tape.trades, keys }]);
      if (isBounded(request) && between !== undefined) {
        const market = { source, listing, ...between };
        await expectSpan(tx, tableId(trades), [market], { fromUs: between.lo, toUs: between.hi });
      }
      await explainRest(tx, tableId(trades), explained);
    },
  });
}

function noteDifferences(
  report: TradeBackfillReport,
  symbol: string,
  { differences }: Pick<CommittedTape, 'differences'>,
): void {
  report.differing += differences.count;
  const room = differencesMax - report.differences.length;
  report.differences.push(...differences.sample.slice(0, room).map((tradeId) => ({ symbol, tradeId })));
}

/** Longest silence at the edge of a day that is still ordinary: a minute, or a hundred times the mean between trades. */
const silenceUs = 60_000_000;
const silenceMeans = 100;

/** How many ids an absent part of a day has, nobody knows: the one next to those that are held stands for it. */
function partsMissing(
  { name }: ArchiveFile,
  { firstUs, lastUs, trades: count, runs }: Tape,
  span: Span,
  { source, listing }: { source: string; listing: string },
): Explanation[] {
  const ordinaryUs = Math.max(silenceUs, (silenceMeans * (lastUs - firstUs)) / count);
  const part = { source, listing, cause: 'partial_source', detail: `${name} has only a part of its period` };
  const [lo, hi] = [runs[0]?.from ?? 0, runs.at(-1)?.to ?? 0];
  return [
    ...(firstUs - span.fromUs > ordinaryUs && lo > 0 ? [{ ...part, lo: lo - 1, hi: lo }] : []),
    ...(span.toUs - lastUs > ordinaryUs ? [{ ...part, lo: hi, hi: hi + 1 }] : []),
  ];
}

/** The ids between two files of one coin whose periods do not touch; a damaged file between them is a gap. */
function idsBetween(
  before: LoadedFile | undefined,
  { file, listing, tape }: LoadedFile & { tape: Tape },
): { lo: number; hi: number } | undefined {
  if (before?.tape === undefined || before.listing !== listing) return undefined;
  if (before.file.period.toUs >= file.period.fromUs) return undefined;
  const [lo, hi] = [before.tape.runs.at(-1)?.to ?? 0, tape.runs[0]?.from ?? 0];
  return lo < hi ? { lo, hi } : undefined;
}

function notRequested(
  between: { lo: number; hi: number } | undefined,
  before: LoadedFile | undefined,
  { file }: LoadedFile,
  { source, listing }: { source: string; listing: string },
): Explanation[] {
  if (between === undefined) return [];
  const detail = `between ${before?.file.name ?? ''} and ${file.name}`;
  return [{ source, listing, cause: 'not_requested', detail, ...between }];
}

function isBounded({ fromUs, toUs }: TradeBackfill): boolean {
  return fromUs !== undefined || toUs !== undefined;
}
