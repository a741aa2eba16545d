import { randomUUID } from 'node:crypto';
import type { FileEntry } from '#core/iceberg/types.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import { commitReplacement } from './commit.ts';
import { DuckDb } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { parquetRelation } from './relation.ts';
import { currentFiles, type FileSet } from './scan.ts';
import { discardFiles, stageFiles } from './stage.ts';
import { partitionName, type LakeTable } from './tables.ts';

export interface CompactOptions {
  spillDir: string;
  /** Files of half this size and more are left alone; smaller ones are joined up to about it. */
  targetBytes?: number;
  /** A partition with fewer small files is left alone. */
  filesMin?: number;
  /** Says what would be done, and does nothing. */
  dryRun?: boolean;
  /** Stops before the next group. */
  signal?: AbortSignal;
}

/** Small files of one partition that became one. */
export interface Compaction {
  /** The partition as in its files' paths: `date=2026-03-01`. */
  partition: string;
  files: number;
  rows: number;
  bytesBefore: number;
  /** Null where nothing was done: on a dry run, or when another commit replaced some of the files first. */
  bytesAfter: number | null;
}

const targetBytesDefault = 128 * 1024 * 1024;
const filesMinDefault = 8;
/** One group reads no more files than this, so that a statement stays of a sane length. */
const groupFilesMax = 2_000;

/**
 * Joins the small files of each partition into sorted ones. The rows stay the same, so appends and other replacements
 * go on beside it; a group of which a file was replaced meanwhile is left for the next time. The files that were joined
 * stay in the store for the snapshots that name them.
 */
export async function compactTable(
  lake: Lake,
  table: LakeTable,
  options: CompactOptions,
): Promise<Compaction[]> {
  const fileSet = await currentFiles(lake, table);
  const done: Compaction[] = [];
  for (const [partition, group] of groupsOf(table, fileSet.entries, options)) {
    if (options.signal?.aborted === true) break;
    const compaction = {
      partition,
      files: group.length,
      rows: sum(group, (file) => file.recordCount),
      bytesBefore: sum(group, (file) => file.fileSizeBytes),
    };
    const bytesAfter =
      options.dryRun === true ? null : await join(lake, table, fileSet, group, options.spillDir);
    done.push({ ...compaction, bytesAfter });
  }
  return done;
}

/** Groups of small files of one partition, each of about the target's size. */
function* groupsOf(
  table: LakeTable,
  entries: readonly FileEntry[],
  { targetBytes = targetBytesDefault, filesMin = filesMinDefault }: CompactOptions,
): Generator<[partition: string, group: FileEntry[]]> {
  const small = entries.filter((file) => file.fileSizeBytes < targetBytes / 2);
  const partitions = Map.groupBy(small, (file) => partitionOf(table, file));
  for (const [partition, files] of [...partitions].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    let group: FileEntry[] = [];
    let bytes = 0;
    for (const file of files) {
      group.push(file);
      bytes += file.fileSizeBytes;
      if (bytes < targetBytes && group.length < groupFilesMax) continue;
      if (group.length >= filesMin) yield [partition, group];
      group = [];
      bytes = 0;
    }
    if (group.length >= filesMin) yield [partition, group];
  }
}

/** Where the file lies below `data/`, which names its partition's values. */
function partitionOf(table: LakeTable, file: FileEntry): string {
  const folders = table.partition.map((field) => {
    const name = partitionName(field);
    return new RegExp(`/(${name}=[^/]*)/`).exec(file.path)?.[1] ?? `${name}=${String(file.partition[name])}`;
  });
  return folders.join('/');
}

/** Bytes of the new files; null where the group was stale. */
async function join(
  lake: Lake,
  table: LakeTable,
  { snapshotId }: FileSet,
  group: readonly FileEntry[],
  spillDir: string,
): Promise<number | null> {
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir });
  try {
    const paths = group.map((file) => lake.store.readable(file.path));
    await duck.run(`create temp view joined as ${parquetRelation(table, paths)}`);
    const files = await stageFiles(duck, lake.store, table, lake.locationOf(table), 'joined');
    try {
      await commitReplacement(lake, {
        commitId: randomUUID(),
        table,
        files,
        basis: snapshotId,
        replaced: group,
        added: [],
        removed: [],
        overlaps: () => false,
        days: [],
        explained: [],
        offsets: [],
        summary: { 'ticklake.compaction': String(group.length) },
        guard: () => Promise.resolve(),
      });
      return sum(files, (file) => file.bytes);
    } catch (error) {
      if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
      if (isTicklakeError(error, 'PLAN_STALE')) return null;
      throw error;
    }
  } finally {
    duck.close();
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
