import { describe, expect, it } from 'vitest';
import { forgottenMetadata, reachableFiles, unreachableFiles } from '#core/iceberg/reachable.ts';
import { expireSnapshots } from '#core/iceberg/retire.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile, livePaths, paths, replaceIn } from './table.ts';

describe('unreachableFiles', () => {
  it('gives up exactly the files that no kept snapshot reaches', async () => {
    const io = memoryIO();
    const [a, b, c, d] = [
      dataFile(1, [1, 10]),
      dataFile(1, [11, 20]),
      dataFile(1, [1, 20]),
      dataFile(2, [1, 5]),
    ];
    const first = await appendTo(io, dailyTable(), [a, b]);
    const second = await appendTo(io, first.metadata, [d]);
    const third = await replaceIn(io, second.metadata, [a.path, b.path], [c], { operation: 'replace' });
    const { metadata, retired } = expireSnapshots(third.metadata, {
      olderThanMs: 9_000,
      keepLast: 1,
      nowMs: 9_000,
    });
    const gone = await unreachableFiles(io, metadata, retired);
    expect(gone.filter((path) => path.endsWith('.parquet')).toSorted()).toEqual(paths(a, b));
    for (const path of gone) io.files.delete(path);
    expect(await livePaths(io, metadata)).toEqual(paths(c, d));
    // A manifest is gone for each of the two files' and both old lists; the manifest of d is still in use.
    expect(gone).toHaveLength(2 + 1 + 2);
  });

  it('spares files that a kept manifest lists anew', async () => {
    const io = memoryIO();
    const [a, b, c] = [dataFile(1, [1, 10]), dataFile(2, [11, 20]), dataFile(3, [21, 30])];
    const first = await appendTo(io, dailyTable(), [a, b]);
    const second = await appendTo(io, first.metadata, [c], { smallManifestsMax: 1 });
    const third = await replaceIn(io, second.metadata, [a.path], [], { smallManifestsMax: 1 });
    const { metadata, retired } = expireSnapshots(third.metadata, {
      olderThanMs: 9_000,
      keepLast: 1,
      nowMs: 9_000,
    });
    const gone = await unreachableFiles(io, metadata, retired);
    expect(gone.filter((path) => path.endsWith('.parquet'))).toEqual([a.path]);
    for (const path of gone) io.files.delete(path);
    expect(await livePaths(io, metadata)).toEqual(paths(b, c));
  });
});

describe('reachableFiles', () => {
  it('are all that was written, until snapshots expire; then all but what is unreachable', async () => {
    const io = memoryIO();
    const [a, b, c] = [dataFile(1, [1, 10]), dataFile(2, [11, 20]), dataFile(1, [1, 12])];
    const first = await appendTo(io, dailyTable(), [a], { baseLocation: 'memory:0.json' });
    const second = await appendTo(io, first.metadata, [b], { baseLocation: 'memory:1.json' });
    const { metadata } = await replaceIn(io, second.metadata, [a.path], [c]);
    const logged = ['memory:0.json', 'memory:1.json'];
    const all = [...io.files.keys(), ...paths(a, b, c), ...logged].toSorted();
    expect([...(await reachableFiles(io, metadata))].toSorted()).toEqual(all);
    const expired = expireSnapshots(metadata, { olderThanMs: 9_000, keepLast: 1, nowMs: 9_000 });
    const gone = await unreachableFiles(io, expired.metadata, expired.retired);
    const left = await reachableFiles(io, expired.metadata);
    expect([...left, ...gone].toSorted()).toEqual(all);
    expect(gone).toContain(a.path);
  });

  it('include statistics of other engines', async () => {
    const io = memoryIO();
    const { metadata, snapshot } = await appendTo(io, dailyTable(), [dataFile(1, [1, 10])]);
    const statistics = [{ 'snapshot-id': snapshot['snapshot-id'], 'statistics-path': 'memory:a.stats' }];
    const files = await reachableFiles(io, { ...metadata, statistics, 'partition-statistics': [] });
    expect(files).toContain('memory:a.stats');
  });
});

describe('forgottenMetadata', () => {
  it('names the files that the log no longer does', async () => {
    const io = memoryIO();
    let metadata = dailyTable();
    const forgotten: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const next = await appendTo(io, metadata, [dataFile(1, [1, 1])], {
        metadataLogMax: 2,
        baseLocation: `memory:${i}.json`,
      });
      forgotten.push(...forgottenMetadata(metadata, next.metadata));
      metadata = next.metadata;
    }
    expect(forgotten).toEqual(['memory:0.json', 'memory:1.json']);
  });
});
