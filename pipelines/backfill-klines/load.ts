import type { Archive, FetchedArchive } from '#core/exchanges/binance/archive/archive.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { intervalUs } from '#core/market/interval.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { LoadedFile } from './explain.ts';
import type { KlineFile } from './select.ts';

const checkSql = sqlFile(import.meta.url, 'sql/check.sql');
const acceptedSql = sqlFile(import.meta.url, 'sql/accepted.sql');
const fileRunsSql = sqlFile(import.meta.url, 'sql/file-runs.sql');

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
  fromUs: number;
  toUs: number;
  nowUs: number;
  /** For the unpacked files; they are removed. */
  folder: string;
  signal?: AbortSignal | undefined;
}

interface Fetched {
  fileNo: number;
  archived: FetchedArchive;
  file: KlineFile;
}

/** Files unpacked at a time. */
const fetchesMax = 4;

/**
 * Fetches files and makes DuckDB's view `accepted` of their bars. A damaged file, or one with a bar that cannot be, is
 * refused as a whole; the others are taken.
 * @throws what the archive throws but DATA_CORRUPT and NOT_FOUND.
 */
export async function loadFiles(
  duck: DuckDb,
  request: LoadRequest,
): Promise<{ loaded: LoadedFile[]; refused: RefusedFile[] }> {
  const { archive, files, folder, signal } = request;
  const fetched: Fetched[] = [];
  const refused: RefusedFile[] = [];
  const fetchOne = async (file: KlineFile, fileNo: number): Promise<void> => {
    try {
      fetched.push({ fileNo, file, archived: await archive.fetch(file, folder, signal) });
    } catch (error) {
      if (!isTicklakeError(error, 'DATA_CORRUPT') && !isTicklakeError(error, 'NOT_FOUND')) throw error;
      refused.push({ file, error });
    }
  };
  try {
    for (let at = 0; at < files.length; at += fetchesMax) {
      signal?.throwIfAborted();
      await Promise.all(files.slice(at, at + fetchesMax).map((file, i) => fetchOne(file, at + i)));
    }
    if (fetched.length === 0) return { loaded: [], refused };
    await defineAccepted(duck, request, fetched);
  } finally {
    await Promise.all(fetched.map(({ archived }) => archived.remove()));
  }
  return {
    loaded: await loadedFiles(duck, files, fetched),
    refused: [...refused, ...(await faultyFiles(duck, request))],
  };
}

async function defineAccepted(
  duck: DuckDb,
  request: LoadRequest,
  fetched: readonly Fetched[],
): Promise<void> {
  const rows = fetched.map(({ fileNo, file, archived }) => {
    const { symbol, interval, period } = file;
    const scale = archived.timeUnit === 'ms' ? 1_000 : 1;
    const texts = [archived.csvPath, symbol, interval].map(literal).join(', ');
    const { fromUs, toUs } = period;
    return `(${texts}, ${fileNo}, ${intervalUs(interval)}, ${fromUs}, ${toUs}, ${scale}, ${archived.hasHeader})`;
  });
  const { source, fromUs, toUs, nowUs } = request;
  await duck.run(
    `create or replace temp macro exact(t) as
       case when not contains(t, '.') or length(t) - strpos(t, '.') <= 8
            then coalesce(try_cast(t as decimal(18,8))::decimal(38,18), try_cast(t as decimal(38,18)))
            when length(t) - strpos(t, '.') <= 18 then try_cast(t as decimal(38,18)) end`,
  );
  await duck.run(
    `create or replace temp table fetched as from (values ${rows.join(', ')})
       t(csv_path, symbol, "interval", file_no, step_us, from_us, to_us, scale, has_header)`,
  );
  await duck.run(
    `create or replace temp table wanted as
       select ${literal(source)} as source, ${fromUs}::bigint as wanted_from_us, ${toUs}::bigint as wanted_to_us,
              ${nowUs}::bigint as now_us`,
  );
  const paths = `[${fetched.map(({ archived }) => literal(archived.csvPath)).join(', ')}]`;
  await duck.run(checkSql.replace('$paths', () => paths));
  await duck.run(acceptedSql);
}

async function loadedFiles(
  duck: DuckDb,
  files: readonly KlineFile[],
  fetched: readonly Fetched[],
): Promise<LoadedFile[]> {
  const hashes = new Map(fetched.map(({ fileNo, archived }) => [fileNo, archived.sha256]));
  const runs = Map.groupBy(await duck.rows(fileRunsSql), (row) => Number(row['file_no']));
  return [...runs].flatMap(([fileNo, rows]) => {
    const file = files[fileNo];
    const keys = rows.map((row) => ({ lo: Number(row['lo']), hi: Number(row['hi']) }));
    const bars = rows.reduce((sum, row) => sum + Number(row['bars']), 0);
    const [lo, hi] = [keys[0]?.lo ?? 0, keys.at(-1)?.hi ?? 0];
    return file === undefined ? [] : [{ file, lo, hi, sha256: hashes.get(fileNo) ?? '', rows: bars, keys }];
  });
}

async function faultyFiles(duck: DuckDb, { archive, files }: LoadRequest): Promise<RefusedFile[]> {
  const rows = await duck.rows(
    `select file_no, min(line) as line, arg_min(refused, line) as reason, count(*) as faults
       from checked where refused is not null group by file_no order by file_no`,
  );
  return rows.flatMap((row) => {
    const file = files[Number(row['file_no'])];
    if (file === undefined) return [];
    const line = Number(row['line']);
    const place = `${archive.place}/${file.path}, line ${line}`;
    const error = new TicklakeError('DATA_CORRUPT', `${place}: ${String(row['reason'])}`, {
      remedy: 'Fetch the file again; if it stays so, use REST for this period.',
      context: { damage: 'bar', line, faults: Number(row['faults']) },
    });
    return [{ file, error }];
  });
}
