import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { fileAt, noteVerdict, type ArchiveVerdict, type KnownFile } from './files.ts';
import { replaceFile, type Restated } from './replace-file.ts';

export interface RestateRequest {
  lake: Lake;
  archive: Archive;
  metrics: Metrics;
  spillDir: string;
  /** Files that were taken, of any venue whose archive this is. */
  files: readonly KnownFile[];
  /** Ends the tag's name: what is restated under one name has one tag, of the snapshot before the first. */
  run: string;
  signal?: AbortSignal;
  /** Told after each file. */
  progress?: (done: number, total: number) => void;
}

export interface RestateReport {
  checked: number;
  same: number;
  restated: Restated[];
  /** Files that the archive has no more. What they brought stays. */
  vanished: string[];
  /** Files whose checksum or whose new version cannot be read. What they brought stays. */
  damaged: { file: string; message: string }[];
}

/**
 * Asks the archive for the checksum of files that were taken. Where a rollback has undone what a file brought, it is taken
 * as if it had been replaced. The rows of one that was replaced are put in the place of
 * what it brought before, in one commit, which tags the snapshot before it; see {@link replaceFile}. A second run changes
 * nothing.
 * @throws what the archive throws but NOT_FOUND and DATA_CORRUPT, and what commits throw.
 */
export async function restateArchive(request: RestateRequest): Promise<RestateReport> {
  const { files, spillDir, signal, progress } = request;
  const report: RestateReport = { checked: 0, same: 0, restated: [], vanished: [], damaged: [] };
  const folder = join(spillDir, `restate-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  const checks = request.metrics.counter(
    'ticklake_archive_checks_total',
    'Files whose checksum was asked for.',
    ['verdict'],
  );
  try {
    for (const file of files) {
      signal?.throwIfAborted();
      checks.inc({ verdict: await checkFile(duck, request, file, folder, report) });
      report.checked += 1;
      progress?.(report.checked, files.length);
    }
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
  return report;
}

async function checkFile(
  duck: DuckDb,
  { lake, archive, run, signal }: RestateRequest,
  known: KnownFile,
  folder: string,
  report: RestateReport,
): Promise<ArchiveVerdict> {
  const { database } = lake;
  const file = fileAt(known.path);
  try {
    const isSame = (await archive.publishedSha256(file, signal)) === known.sha256;
    if (isSame && !known.isUndone) {
      await noteVerdict(database, known, 'same');
      report.same += 1;
      return 'same';
    }
    report.restated.push(
      await replaceFile(duck, {
        ...{ lake, archive, known, file, folder, tag: `before-restatement-${run}` },
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    return 'restated';
  } catch (error) {
    if (isTicklakeError(error, 'NOT_FOUND')) {
      await noteVerdict(database, known, 'vanished', error.message);
      report.vanished.push(known.path);
      return 'vanished';
    }
    if (!isTicklakeError(error, 'DATA_CORRUPT')) throw error;
    await noteVerdict(database, known, 'damaged', error.message);
    report.damaged.push({ file: known.path, message: error.message });
    return 'damaged';
  }
}
