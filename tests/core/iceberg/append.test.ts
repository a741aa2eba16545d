import { describe, expect, it } from 'vitest';
import { commitAppend, writeManifest } from '#core/iceberg/append.ts';
import { readManifest } from '#core/iceberg/manifest.ts';
import { readManifestList } from '#core/iceberg/manifest-list.ts';
import { newSnapshotId } from '#core/iceberg/metadata.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { TableMetadata } from '#core/iceberg/types.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile } from './table.ts';

describe('commitAppend', () => {
  it('returns new metadata as a value and leaves the base alone', async () => {
    const io = memoryIO();
    const base = dailyTable();
    const before = structuredClone(base);
    const { metadata, snapshot, written } = await appendTo(io, base, [
      dataFile(1, [1, 10]),
      dataFile(2, [11, 30]),
    ]);
    expect(base).toEqual(before);
    expect(metadata['current-snapshot-id']).toBe(snapshot['snapshot-id']);
    expect(metadata.refs).toEqual({ main: { type: 'branch', 'snapshot-id': snapshot['snapshot-id'] } });
    expect(metadata['last-sequence-number']).toBe(1);
    expect(metadata['snapshot-log']).toEqual([
      { 'snapshot-id': snapshot['snapshot-id'], 'timestamp-ms': 2_000 },
    ]);
    expect(written).toEqual([snapshot['manifest-list']]);
    expect(snapshot.summary).toMatchObject({
      operation: 'append',
      'added-data-files': '2',
      'added-records': '30',
      'added-files-size': '200',
      'total-data-files': '2',
      'total-records': '30',
    });
  });

  it('rolls totals forward, and never goes back in time', async () => {
    const io = memoryIO();
    const first = await appendTo(io, dailyTable(), [dataFile(1, [1, 10])], { timestampMs: 9_000 });
    const second = await appendTo(io, first.metadata, [dataFile(1, [11, 15])], { timestampMs: 3_000 });
    expect(second.snapshot.summary).toMatchObject({
      'added-records': '5',
      'total-records': '15',
      'total-files-size': '200',
    });
    expect(second.snapshot['parent-snapshot-id']).toBe(first.snapshot['snapshot-id']);
    expect(second.snapshot['timestamp-ms']).toBe(9_000);
    expect(second.metadata['last-updated-ms']).toBe(9_000);
  });

  it('takes a manifest that was written before on a base found later', async () => {
    const io = memoryIO();
    const base = dailyTable();
    const snapshotId = newSnapshotId();
    const manifest = await writeManifest(io, base, snapshotId, [dataFile(1, [1, 10])], 'memory:early.avro');
    const other = await appendTo(io, base, [dataFile(1, [11, 20])]);
    const append = { io, manifests: [manifest], snapshotId, timestampMs: 2_000 };
    // The first try is on a base that loses; the second is on the winner's.
    await commitAppend({ ...append, base, manifestListLocation: 'memory:try-1.avro' });
    const { metadata } = await commitAppend({
      ...append,
      base: other.metadata,
      manifestListLocation: 'memory:try-2.avro',
    });
    const { files } = await planScan({ io, metadata });
    expect(files.map((file) => [file.sequenceNumber, file.lowerBounds.get(1)?.[0]])).toEqual([
      [2, 1],
      [1, 11],
    ]);
  });

  it('refuses a manifest that was written for another snapshot', async () => {
    const io = memoryIO();
    const base = dailyTable();
    const manifest = await writeManifest(io, base, 1, [dataFile(1, [1, 10])], 'memory:m.avro');
    const append = {
      io,
      base,
      manifests: [manifest],
      timestampMs: 2_000,
      manifestListLocation: 'memory:l.avro',
    };
    await expect(commitAppend({ ...append, snapshotId: 2 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('merges manifests into existing entries that keep their snapshot and sequence numbers', async () => {
    const io = memoryIO();
    let metadata = dailyTable();
    const history: TableMetadata[] = [];
    for (let i = 0; i < 5; i += 1) {
      ({ metadata } = await appendTo(io, metadata, [dataFile(i, [i, i])], { smallManifestsMax: 3 }));
      history.push(metadata);
    }
    const list = await readManifestList(io, metadata.snapshots[4] ?? expect.fail('no snapshot'));
    expect(list.map((m) => [m.addedFiles, m.existingFiles, m.sequenceNumber, m.minSequenceNumber])).toEqual([
      [1, 0, 5, 5],
      [0, 4, 5, 1],
    ]);
    const entries = await readManifest(io, metadata, list[1] ?? expect.fail('no manifest'));
    expect(
      entries.map(({ status, sequenceNumber, snapshotId }) => [status, sequenceNumber, snapshotId]),
    ).toEqual([4, 3, 2, 1].map((n) => ['existing', n, history[n - 1]?.['current-snapshot-id']]));
  });

  it('retires the oldest snapshots and their log, but none that a tag names', async () => {
    const io = memoryIO();
    let { metadata } = await appendTo(io, dailyTable(), [dataFile(1, [1, 1])]);
    const tagged = metadata['current-snapshot-id'];
    metadata = { ...metadata, refs: { ...metadata.refs, v1: { type: 'tag', 'snapshot-id': tagged } } };
    const retired = [];
    for (let i = 0; i < 4; i += 1) {
      const result = await appendTo(io, metadata, [dataFile(1, [1, 1])], { maxSnapshots: 2 });
      metadata = result.metadata;
      retired.push(...result.retired);
    }
    expect(retired).toHaveLength(2);
    expect(metadata.snapshots.map((snapshot) => snapshot['sequence-number'])).toEqual([1, 4, 5]);
    expect(metadata['snapshot-log']).toHaveLength(2);
    expect((await planScan({ io, metadata, snapshotId: tagged })).files).toHaveLength(1);
    expect((await planScan({ io, metadata })).files).toHaveLength(5);
  });

  it('notes the base in a metadata log of bounded length', async () => {
    const io = memoryIO();
    let metadata = dailyTable();
    for (let i = 0; i < 4; i += 1) {
      const options = { metadataLogMax: 2, baseLocation: `memory:${i}.json` };
      ({ metadata } = await appendTo(io, metadata, [dataFile(1, [1, 1])], options));
    }
    expect(metadata['metadata-log'].map((entry) => entry['metadata-file'])).toEqual([
      'memory:2.json',
      'memory:3.json',
    ]);
  });
});
