import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { commitAppend } from '#core/lake/commit.ts';
import { heldWithin, type Explanation } from '#core/lake/coverage.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { discardFiles, stageFiles } from '#core/lake/stage.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { explainRest } from '#pipelines/backfill-klines/explain.ts';
import { firstListing } from '#pipelines/ingest-trades/symbols.ts';
import { rememberArchiveFiles } from '#pipelines/restate-archive/ledger.ts';
import { acceptNew, readTape, type Tape } from './tape.ts';

const differencesSql = sqlFile(import.meta.url, 'sql/differences.sql');
const attemptsMax = 10;

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
  progress?: (done: number, total: number) => void;
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
  failures: { file: string; message: string }[];
  /** Trades that are held with another content than the file has; what is held stays. */
  differences: { symbol: string; tradeId: number }[];
}

/**
 * Brings trades of the bulk archive into the lake, a file a commit; ids that are held are compared and stay. A file that
 * cannot be taken is reported, and the others go on.
 * @throws NOT_FOUND where the archive holds nothing that is asked for, and what commits throw.
 */
export async function backfillTrades(request: TradeBackfill): Promise<TradeBackfillReport> {
  const files = await selectFiles(request);
  const report: TradeBackfillReport = {
    ...{ tasks: files.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0 },
    ...{ failures: [], differences: [] },
  };
  const folder = join(request.spillDir, `trades-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  try {
    let before: LoadedTape | undefined;
    for (const file of files) {
      try {
        const tape = await readFile(duck, request, file, folder);
        const rows = await commitTape(duck, request, { file, tape, before }, report);
        before = { file, tape };
        report.rows += rows;
        report.done += 1;
        if (rows === 0) report.unchanged += 1;
      } catch (error) {
        if (!isTicklakeError(error, 'DATA_CORRUPT') && !isTicklakeError(error, 'NOT_FOUND')) throw error;
        before = undefined;
        report.failed += 1;
        report.failures.push({ file: file.path, message: error.message });
      }
      request.progress?.(report.done + report.failed, report.tasks);
    }
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
  return report;
}

interface LoadedTape {
  file: ArchiveFile;
  tape: Tape;
}

async function selectFiles({ archive, symbols, fromUs, toUs }: TradeBackfill): Promise<ArchiveFile[]> {
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

async function readFile(
  duck: DuckDb,
  { archive }: TradeBackfill,
  file: ArchiveFile,
  folder: string,
): Promise<Tape> {
  const fetched = await archive.fetch(file, folder);
  try {
    return await readTape(duck, fetched, `${archive.place}/${file.path}`);
  } finally {
    await fetched.remove();
  }
}

async function commitTape(
  duck: DuckDb,
  request: TradeBackfill,
  { file, tape, before }: LoadedTape & { before: LoadedTape | undefined },
  report: TradeBackfillReport,
): Promise<number> {
  const { lake, source } = request;
  const { symbol } = file;
  const market = { source, symbol, listing: firstListing(symbol) };
  const explained = [
    ...partsMissing(file, tape, market),
    ...(isBounded(request) ? [] : partBetween(before, { file, tape }, market)),
  ];
  const span = { source, listing: market.listing, lo: tape.loId, hi: tape.hiId };
  for (let attempt = 1; ; attempt++) {
    const held = await heldWithin(lake.database, tableId(trades), [span]);
    const differences = held.length === 0 ? [] : await compareHeld(duck, lake, file, source);
    const { added, days } = await acceptNew(duck, market, held);
    const files =
      added.length === 0
        ? []
        : await stageFiles(duck, lake.store, trades, lake.locationOf(trades), 'accepted');
    try {
      const commitId = randomUUID();
      await commitAppend(lake, {
        ...{ commitId, table: trades, files, added, days, explained: [], offsets: [] },
        summary: { 'ticklake.channel': 'archive' },
        guard: async (tx) => {
          await explainRest(tx, tableId(trades), explained);
          await rememberArchiveFiles(tx, source, commitId, [{ ...tape, file, rows: tape.trades }]);
        },
      });
      report.differences.push(...differences.map((tradeId) => ({ symbol, tradeId })));
      return added.reduce((sum, { lo, hi }) => sum + hi - lo, 0);
    } catch (error) {
      if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
      if (!isTicklakeError(error, 'COVERAGE_OVERLAP') || attempt >= attemptsMax) throw error;
    }
  }
}

async function compareHeld(duck: DuckDb, lake: Lake, file: ArchiveFile, source: string): Promise<number[]> {
  const { files } = await currentFiles(lake, trades);
  const { fromUs, toUs } = file.period;
  await duck.run(
    `create or replace temp view held_rows as select * from (${parquetRelation(trades, files)})
      where source = ${literal(source)} and symbol = ${literal(file.symbol)}
        and date >= make_timestamp(${fromUs})::date and date <= make_timestamp(${toUs})::date`,
  );
  return (await duck.rows(differencesSql)).map((row) => Number(row['trade_id']));
}

/** Longest silence at the edge of a day that is still ordinary: a minute, or a hundred times the mean between trades. */
const silenceUs = 60_000_000;
const silenceMeans = 100;

/** How many ids an absent part of a day has, nobody knows: the one next to those that are held stands for it. */
function partsMissing(
  { name, period }: ArchiveFile,
  { loId, hiId, firstUs, lastUs, trades: count }: Tape,
  { source, listing }: { source: string; listing: string },
): Explanation[] {
  const ordinaryUs = Math.max(silenceUs, (silenceMeans * (lastUs - firstUs)) / count);
  const part = { source, listing, cause: 'partial_source', detail: `${name} has only a part of its period` };
  return [
    ...(firstUs - period.fromUs > ordinaryUs && loId > 0 ? [{ ...part, lo: loId - 1, hi: loId }] : []),
    ...(period.toUs - lastUs > ordinaryUs ? [{ ...part, lo: hiId, hi: hiId + 1 }] : []),
  ];
}

/** The ids between two files of one market whose periods do not touch; a damaged file between them is a gap. */
function partBetween(
  before: LoadedTape | undefined,
  { file, tape }: LoadedTape,
  { source, listing }: { source: string; listing: string },
): Explanation[] {
  if (before?.file.symbol !== file.symbol || before.file.period.toUs >= file.period.fromUs) return [];
  const [lo, hi] = [before.tape.hiId, tape.loId];
  const detail = `between ${before.file.name} and ${file.name}`;
  return lo < hi ? [{ source, listing, cause: 'not_requested', detail, lo, hi }] : [];
}

function isBounded({ fromUs, toUs }: TradeBackfill): boolean {
  return fromUs !== undefined || toUs !== undefined;
}
