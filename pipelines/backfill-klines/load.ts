import type { Archive, FetchedArchive } from '#core/exchanges/binance/archive/archive.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import { acceptBars, acceptedOfFiles, type BarSpan, type FaultyFile } from './bars.ts';
import type { LoadedFile } from './explain.ts';
import type { KlineFile } from './select.ts';

/** A file that could not be taken, and why. */
export interface RefusedFile {
  file: KlineFile;
  error: TicklakeError;
}

export interface LoadRequest {
  archive: Archive;
  files: readonly KlineFile[];
  /** The venue, for the column `source`. */
  source: string;
  /** Bars outside are left out, and those that end after `nowUs`. */
  spans: readonly BarSpan[];
  nowUs: number;
  /** For the unpacked files; they are removed. */
  folder: string;
  signal?: AbortSignal | undefined;
}

interface Fetched {
  file: KlineFile;
  archived: FetchedArchive;
}

/** Files unpacked at a time. */
const fetchesMax = 8;

/**
 * Fetches files and makes DuckDB's table `accepted` of their bars. A damaged file, or one with a bar that cannot be, is
 * refused as a whole; the others are taken. Where no file could be fetched, the table is not made.
 * @throws what the archive throws but DATA_CORRUPT and NOT_FOUND.
 */
export async function loadFiles(
  duck: DuckDb,
  request: LoadRequest,
): Promise<{ loaded: LoadedFile[]; refused: RefusedFile[] }> {
  const { archive, files, folder, signal, ...asked } = request;
  const fetched: Fetched[] = [];
  const refused: RefusedFile[] = [];
  const fetchOne = async (file: KlineFile): Promise<void> => {
    try {
      fetched.push({ file, archived: await archive.fetch(file, folder, signal) });
    } catch (error) {
      if (!isTicklakeError(error, 'DATA_CORRUPT') && !isTicklakeError(error, 'NOT_FOUND')) throw error;
      refused.push({ file, error });
    }
  };
  try {
    for (let at = 0; at < files.length; at += fetchesMax) {
      signal?.throwIfAborted();
      const results = await Promise.allSettled(files.slice(at, at + fetchesMax).map(fetchOne));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    }
    if (fetched.length === 0) return { loaded: [], refused };
    const bars = fetched.map(({ file: { symbol, interval, period }, archived }) => ({
      ...{ symbol, interval, period, csvPath: archived.csvPath },
      ...{ timeUnit: archived.timeUnit, hasHeader: archived.hasHeader },
    }));
    const faulty = await acceptBars(duck, bars, asked);
    refused.push(...faulty.flatMap((fault) => refusalOf(fault, archive, fetched[fault.fileNo])));
  } finally {
    await Promise.all(fetched.map(({ archived }) => archived.remove()));
  }
  return { loaded: await loadedFiles(duck, fetched), refused };
}

async function loadedFiles(duck: DuckDb, fetched: readonly Fetched[]): Promise<LoadedFile[]> {
  const runs = await acceptedOfFiles(duck);
  return fetched.flatMap(({ file, archived: { sha256 } }, fileNo) => {
    const keys = (runs.get(fileNo) ?? []).map(({ from, to }) => ({ lo: from, hi: to }));
    const rows = (runs.get(fileNo) ?? []).reduce((sum, { bars }) => sum + bars, 0);
    const [first, last] = [keys[0], keys.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [{ file, lo: first.lo, hi: last.hi, sha256, rows, keys }];
  });
}

function refusalOf(fault: FaultyFile, archive: Archive, of: Fetched | undefined): RefusedFile[] {
  if (of === undefined) return [];
  const { line, reason, faults } = fault;
  const error = new TicklakeError(
    'DATA_CORRUPT',
    `${archive.place}/${of.file.path}, line ${line}: ${reason}`,
    {
      remedy: 'Fetch the file again; if it stays so, use REST for this period.',
      context: { damage: 'bar', line, faults },
    },
  );
  return [{ file: of.file, error }];
}
