import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeManifest } from '#core/iceberg/manifest.ts';
import { newSnapshotId } from '#core/iceberg/metadata.ts';
import { commitReplace } from '#core/iceberg/replace.ts';
import { unreachableFiles } from '#core/iceberg/reachable.ts';
import { expireSnapshots } from '#core/iceberg/retire.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { DataFile, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates } from '#core/iceberg/updates.ts';
import { diskIO } from '#tests/core/iceberg/file-io.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { askForeignReaders } from './foreign.ts';
import { append, newTradesTable, openDuckDb, saveMetadata, totalsOf, writeTrades } from './trades-table.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  timeout: 240_000,
};

let directory: string;
let duck: DuckDBConnection;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ticklake-replace-'));
  duck = await openDuckDb();
});
afterAll(async () => {
  duck.closeSync();
  await rm(directory, { recursive: true, force: true });
});

async function replace(
  base: TableMetadata,
  remove: readonly DataFile[],
  add: readonly DataFile[],
  operation: 'overwrite' | 'replace',
): Promise<TableMetadata> {
  const snapshotId = newSnapshotId();
  const folder = `${base.location}/metadata`;
  const location = `${folder}/${randomUUID()}-m0.avro`;
  const { metadata } = await commitReplace({
    io: diskIO,
    base,
    manifests: add.length === 0 ? [] : [await writeManifest(diskIO, base, snapshotId, add, location)],
    remove: remove.map(({ path }) => path),
    operation,
    snapshotId,
    timestampMs: Date.now(),
    manifestListLocation: `${folder}/snap-${snapshotId}-${randomUUID()}.avro`,
  });
  return metadata;
}

async function expectAgreement(metadata: TableMetadata, trades: number): Promise<void> {
  const { files } = await planScan({ io: diskIO, metadata });
  const ours = await totalsOf(
    duck,
    files.map(({ path }) => path),
  );
  expect(ours['trades']).toBe(String(trades));
  const foreign = await askForeignReaders(await saveMetadata(metadata), { all: { where: 'true' } });
  expect(foreign.static.all).toEqual({ totals: ours, files: files.length });
  expect(foreign.duckdb.all.totals).toEqual(ours);
}

function setRef(base: TableMetadata, name: string, type: 'branch' | 'tag', snapshotId: number | bigint) {
  return applyUpdates(
    base,
    [{ action: 'set-snapshot-ref', 'ref-name': name, type, 'snapshot-id': snapshotId }],
    Date.now(),
  );
}

describe('foreign readers of a table whose files were replaced', needsPython, () => {
  it('agree after an overwrite, a compaction, a delete, a rollback and an expiry', async () => {
    let metadata = newTradesTable(join(directory, 'trades'));
    const write = (day: string, firstId: number, count: number): Promise<DataFile> =>
      writeTrades(duck, metadata.location, { day, symbol: 'BTCUSDT', firstId, count });
    const [a, b, c] = [
      await write('2026-03-01', 1, 100),
      await write('2026-03-01', 101, 50),
      await write('2026-03-02', 151, 70),
    ];
    metadata = await append(metadata, [a, b]);
    metadata = await append(metadata, [c]);
    metadata = setRef(metadata, 'before', 'tag', metadata['current-snapshot-id']);

    const longer = await write('2026-03-01', 101, 60);
    metadata = await replace(metadata, [b], [longer], 'overwrite');
    await expectAgreement(metadata, 230);
    const overwritten = metadata['current-snapshot-id'];

    const compacted = await write('2026-03-01', 1, 160);
    metadata = await replace(metadata, [a, longer], [compacted], 'replace');
    await expectAgreement(metadata, 230);

    metadata = await replace(metadata, [c], [], 'overwrite');
    await expectAgreement(metadata, 160);

    metadata = setRef(metadata, 'main', 'branch', overwritten);
    await expectAgreement(metadata, 230);

    metadata = await append(metadata, [await write('2026-03-03', 500, 5)]);
    const expired = expireSnapshots(metadata, {
      olderThanMs: Date.now() + 1_000,
      keepLast: 1,
      nowMs: Date.now(),
    });
    const gone = await unreachableFiles(diskIO, expired.metadata, expired.retired);
    for (const path of gone) await rm(path.replace(/^file:\/*/, '/'));
    expect(gone).toContain(compacted.path);
    // The tag still reads the file that was overwritten.
    expect(gone).not.toContain(b.path);
    await expectAgreement(expired.metadata, 235);
    await expectAgreement(
      setRef(expired.metadata, 'main', 'branch', expired.metadata.refs['before']?.['snapshot-id'] ?? 0),
      220,
    );
  });
});
