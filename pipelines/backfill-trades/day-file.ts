import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import { fileOf, type ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import { isTicklakeError, type TicklakeError } from '#core/platform/errors.ts';
import type { DamagedFile } from './report.ts';
import { readTape, type Span, type Tape } from './tape.ts';

/** What the archive has of a day: its trades in DuckDB's table `checked`, or why not. */
export type DayFile =
  | { kind: 'read'; file: ArchiveFile; sha256: string; tape: Tape }
  | { kind: 'absent'; error: TicklakeError }
  | { kind: 'damaged'; error: TicklakeError; damaged: DamagedFile };

export interface DayFileRequest {
  archive: Archive;
  symbol: string;
  /** `2024-03-05` */
  day: string;
  /** Trades of this time are read. */
  wanted: Span;
  /** For the file on its way; nothing is left there. */
  folder: string;
  signal?: AbortSignal | undefined;
}

/**
 * Reads the day's file of the archive, or where there is none the day out of the month's.
 * @throws what the archive throws where it cannot be reached.
 */
export async function readDayFile(duck: DuckDb, request: DayFileRequest): Promise<DayFile> {
  const series = { kind: 'trades', symbol: request.symbol } as const;
  const daily = fileOf(series, 'daily', request.day);
  const monthly = fileOf(series, 'monthly', request.day.slice(0, '2024-03'.length));
  if (daily === undefined || monthly === undefined) throw new RangeError(`${request.day} is no day`);
  const ofDay = await readOne(duck, request, daily);
  if (ofDay.kind !== 'absent') return ofDay;
  const ofMonth = await readOne(duck, request, monthly);
  return ofMonth.kind === 'read' && ofMonth.tape.trades === 0 ? ofDay : ofMonth;
}

async function readOne(duck: DuckDb, request: DayFileRequest, file: ArchiveFile): Promise<DayFile> {
  const { archive, folder, wanted, signal } = request;
  try {
    const fetched = await archive.fetch(file, folder, signal);
    try {
      const tape = await readTape(duck, fetched, `${archive.place}/${file.path}`, wanted);
      return { kind: 'read', file, sha256: fetched.sha256, tape };
    } finally {
      await fetched.remove();
    }
  } catch (error) {
    // An archive that is not served here has nothing for us either.
    if (isTicklakeError(error, 'NOT_FOUND') || isTicklakeError(error, 'EXCHANGE_REFUSED')) {
      return { kind: 'absent', error };
    }
    if (!isTicklakeError(error, 'DATA_CORRUPT')) throw error;
    return { kind: 'damaged', error, damaged: damagedFile(file, error) };
  }
}

export function damagedFile(file: ArchiveFile, { message, context }: TicklakeError): DamagedFile {
  const { damage } = context;
  return { file: file.path, damage: typeof damage === 'string' ? damage : 'unknown', message };
}
