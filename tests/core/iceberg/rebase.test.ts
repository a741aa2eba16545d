import { describe, expect, it } from 'vitest';
import { decodeValue } from '#core/iceberg/bounds.ts';
import { writeEntries } from '#core/iceberg/manifest.ts';
import { specById } from '#core/iceberg/partition.ts';
import { rebaseCheck, type Rebase } from '#core/iceberg/rebase.ts';
import { rollbackTo } from '#core/iceberg/refs.ts';
import { commitReplace } from '#core/iceberg/replace.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { FileEntry, Long, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile, deleteFile, deleteFrom, paths, replaceIn } from './table.ts';

async function twoDays() {
  const io = memoryIO();
  const [a, b] = [dataFile(1, [1, 10]), dataFile(2, [11, 20])];
  const first = await appendTo(io, dailyTable(), [a]);
  const { metadata, snapshot } = await appendTo(io, first.metadata, [b]);
  const entries = (await planScan({ io, metadata })).files;
  const entryOf = (path: string): FileEntry =>
    entries.find((entry) => entry.path === path) ?? expect.fail(`no ${path}`);
  const basis = snapshot['snapshot-id'];
  const check = (now: TableMetadata, wanted: readonly FileEntry[], from: Long | null = basis) =>
    rebaseCheck({ io, metadata: now, basis: from, wanted });
  return { io, metadata, first, basis, a: entryOf(a.path), b: entryOf(b.path), check };
}

function outcome(rebase: Rebase): unknown {
  if (!rebase.descends) return 'restage';
  const { live, gone, added, addedDeletes } = rebase;
  return { live: paths(...live), gone, added: paths(...added), addedDeletes: paths(...addedDeletes) };
}

describe('rebaseCheck', () => {
  it('finds all as it was on the basis itself', async () => {
    const { metadata, a, check } = await twoDays();
    expect(outcome(await check(metadata, [a]))).toEqual({
      live: [a.path],
      gone: [],
      added: [],
      addedDeletes: [],
    });
  });

  it('tells what came, with its partition and bounds, and what is gone', async () => {
    const { io, metadata, a, b, check } = await twoDays();
    const [c, d] = [dataFile(2, [21, 30]), dataFile(1, [1, 12])];
    const appended = await appendTo(io, metadata, [c]);
    const replaced = await replaceIn(io, appended.metadata, [a.path], [d]);
    const rebase = await check(replaced.metadata, [a, b]);
    expect(outcome(rebase)).toEqual({
      live: [b.path],
      gone: [a.path],
      added: paths(c, d),
      addedDeletes: [],
    });
    const found = rebase.descends ? rebase.added.find(({ path }) => path === c.path) : undefined;
    expect(found?.partition).toEqual({ day: 2 });
    expect(decodeValue('long', found?.lowerBounds.get(1) ?? new Uint8Array())).toBe(21);
  });

  it('tells no file that came and went', async () => {
    const { io, metadata, a, check } = await twoDays();
    const [c, d] = [dataFile(1, [11, 12]), dataFile(1, [11, 12])];
    const appended = await appendTo(io, metadata, [c]);
    const compacted = await replaceIn(io, appended.metadata, [c.path], [d], { operation: 'replace' });
    expect(outcome(await check(compacted.metadata, [a]))).toMatchObject({ added: [d.path] });
  });

  it('takes a file for new whose rows are said to be old, as compaction of other engines does', async () => {
    const { io, metadata, b, check } = await twoDays();
    const compacted: FileEntry = { ...b, path: 'memory:compacted.parquet', status: 'added' };
    const entries = [{ ...compacted, snapshotId: 7, sequenceNumber: 1, fileSequenceNumber: null }];
    const target = { location: 'memory:compacted.avro', snapshotId: 7, content: 'data' as const };
    const manifest = await writeEntries(io, metadata, specById(metadata, 0), entries, target);
    const now = await commitReplace({
      io,
      base: metadata,
      manifests: [{ ...manifest, addedFilesSize: 100 }],
      remove: [b],
      operation: 'replace',
      snapshotId: 7,
      timestampMs: 3_000,
      manifestListLocation: 'memory:compacted-list.avro',
    });
    const rebase = await check(now.metadata, [b]);
    expect(outcome(rebase)).toMatchObject({ live: [], gone: [b.path], added: [compacted.path] });
    expect(rebase.descends && rebase.added.map((file) => file.sequenceNumber)).toEqual([1]);
  });

  it('takes merged manifests for what they list, not for new', async () => {
    const { io, metadata, a, check } = await twoDays();
    const c = dataFile(3, [1, 5]);
    const merged = await appendTo(io, metadata, [c], { smallManifestsMax: 1 });
    expect(outcome(await check(merged.metadata, [a]))).toMatchObject({ live: [a.path], added: [c.path] });
  });

  it('tells delete files that came for a wanted file only', async () => {
    const { io, metadata, a, b, check } = await twoDays();
    const deletes = [deleteFile(a), deleteFile(b)];
    const later = await deleteFrom(io, metadata, deletes);
    expect(outcome(await check(later.metadata, [a]))).toMatchObject({
      live: [a.path],
      added: [],
      addedDeletes: [deletes[0]?.path],
    });
  });

  it('starts from the empty table too', async () => {
    const { metadata, a, b, check } = await twoDays();
    expect(outcome(await check(metadata, [], null))).toMatchObject({ live: [], added: paths(a, b) });
    expect(outcome(await check(dailyTable(), [a], null))).toMatchObject({ live: [], gone: [a.path] });
  });

  it('says that the basis is no ancestor any more', async () => {
    const { metadata, first, a, check } = await twoDays();
    const update = rollbackTo(metadata, first.snapshot['snapshot-id']);
    expect(outcome(await check(applyUpdates(metadata, [update], 5_000), [a]))).toBe('restage');
  });

  it('leaves old manifests of other partitions unread', async () => {
    const { io, metadata, a, check } = await twoDays();
    const { metadata: now } = await appendTo(io, metadata, [dataFile(3, [1, 5])]);
    io.reads.length = 0;
    await check(now, [a]);
    // The list, the new manifest, and the one of the wanted file's day.
    expect(io.reads).toHaveLength(3);
  });
});
