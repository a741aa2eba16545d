import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { klines, quoted, trades, type LakeTable } from '#core/lake/tables.ts';
import { isInterval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { loadFiles } from '#pipelines/backfill-klines/load.ts';
import { readTape } from '#pipelines/backfill-trades/tape.ts';
import type { TakenFile } from './ledger.ts';

export interface FreshRequest {
  archive: Archive;
  file: ArchiveFile;
  /** The venue, for the column `source`. */
  source: string;
  /** For the unpacked file; it is removed. */
  folder: string;
  signal?: AbortSignal;
}

/** The table that a kind of file belongs to. */
export function tableOf({ kind }: Pick<ArchiveFile, 'kind'>): LakeTable {
  return kind === 'klines' ? klines : trades;
}

/**
 * Fetches a file and makes DuckDB's view `fresh` of its rows, in the columns of its table.
 * @throws NOT_FOUND, DATA_CORRUPT where it is damaged, and what the archive throws.
 */
export async function readFresh(duck: DuckDb, request: FreshRequest): Promise<TakenFile> {
  return request.file.kind === 'klines'
    ? await readFreshBars(duck, request)
    : await readFreshTrades(duck, request);
}

async function readFreshBars(duck: DuckDb, request: FreshRequest): Promise<TakenFile> {
  const { file, archive, source, folder, signal } = request;
  const { interval = '', period } = file;
  if (!isInterval(interval)) throw new TicklakeError('INTERNAL', `${file.path} has no interval of ours`);
  const { loaded, refused } = await loadFiles(duck, {
    ...{ archive, files: [{ ...file, interval }], source, folder, signal },
    // Whatever the archive publishes is closed; whose the bars are is told by their time later.
    nowUs: period.toUs,
    spans: [{ symbol: file.symbol, interval, listing: file.symbol, lo: period.fromUs, hi: period.toUs }],
  });
  const [taken] = loaded;
  if (taken === undefined) throw refused[0]?.error ?? withoutRows(file);
  const columns = klines.columns.map(({ name }) => quoted(name)).join(', ');
  await duck.run(`create or replace temp view fresh as select ${columns} from accepted`);
  return taken;
}

async function readFreshTrades(duck: DuckDb, request: FreshRequest): Promise<TakenFile> {
  const { file, archive, source, folder, signal } = request;
  const fetched = await archive.fetch(file, folder, signal);
  try {
    const tape = await readTape(duck, fetched, `${archive.place}/${file.path}`, file.period);
    if (tape.trades === 0) throw withoutRows(file);
    await duck.run(
      `create or replace temp view fresh as
         select ${literal(file.symbol)} as symbol, make_timestamptz(timestamp_us) as timestamp, price, volume, side,
                trade_id, ${literal(source)} as source, ${literal(new Date().toISOString())}::timestamptz as processing_time,
                make_timestamp(timestamp_us)::date as date from checked`,
    );
    const keys = tape.runs.map(({ from, to }) => ({ lo: from, hi: to }));
    return { file, sha256: fetched.sha256, rows: tape.trades, keys };
  } finally {
    await fetched.remove();
  }
}

function withoutRows({ path }: ArchiveFile): TicklakeError {
  return new TicklakeError('DATA_CORRUPT', `${path} has no rows any more`, {
    remedy: 'What it had stays; ask the exchange whether it withdrew them.',
  });
}
