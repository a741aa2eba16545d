import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const rememberSql = sqlFile(import.meta.url, 'sql/remember.sql');

/** A file of the bulk archive, of which rows were taken into the lake. */
export interface TakenFile {
  file: ArchiveFile;
  /** Of the zip, as published. */
  sha256: string;
  rows: number;
  /** Which rows: ids, or open times in microseconds up to the open time after the last; half-open. */
  keys: readonly { lo: number; hi: number }[];
}

/**
 * Remembers files with their SHA-256, so that one that the archive replaces later is found out. For the guard of the
 * commit that takes their rows, also when it finds them held already: what is remembered and what is held are one.
 */
export async function rememberArchiveFiles(
  tx: Transaction,
  source: string,
  commitId: string,
  files: readonly TakenFile[],
): Promise<void> {
  if (files.length === 0) return;
  const rows = files.map(({ file, sha256, rows, keys }) => ({
    ...{
      path: file.path,
      kind: file.kind,
      symbol: file.symbol,
      interval: file.interval ?? '',
      sha256,
      rows,
      commitId,
    },
    keys: multirange(keys),
  }));
  await tx.query(rememberSql, [source, JSON.stringify(rows)]);
}

/** Runs as Postgres writes a multirange. */
export function multirange(keys: TakenFile['keys']): string {
  return `{${keys.map(({ lo, hi }) => `[${lo},${hi})`).join(',')}}`;
}
