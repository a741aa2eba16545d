import { expect, it } from 'vitest';
import { createFormatCache } from '#core/iceberg/cache.ts';
import { readManifestList } from '#core/iceberg/manifest-list.ts';
import { serializeMetadata } from '#core/iceberg/metadata.ts';
import { planScan } from '#core/iceberg/scan.ts';
import type { DataFile, ManifestFile, TableMetadata } from '#core/iceberg/types.ts';
import { memoryIO } from './file-io.ts';
import { appendTo, dailyTable, dataFile, replaceIn } from './table.ts';

const options = { smallManifestsMax: 10, maxSnapshots: 20, metadataLogMax: 20 };

it(
  'stays of one size over 2,000 commits that append, overwrite, compact and delete',
  { timeout: 120_000 },
  async () => {
    const io = memoryIO();
    const cache = createFormatCache();
    let metadata = dailyTable();
    let live: DataFile[] = [];
    let rows = 0;
    const sizes: { manifests: number; dead: number; bytes: number }[] = [];
    for (let n = 0; n < 2_000; n += 1) {
      const [first, second] = live;
      const day = n % 30;
      const baseLocation = `memory:table/metadata/${String(n).padStart(5, '0')}.json`;
      if (n % 4 === 1 && first !== undefined && second !== undefined) {
        const both = dataFile(day, [1, first.recordCount + second.recordCount]);
        metadata = await replace([first, second], [both], 'replace');
      } else if (n % 40 === 2 && first !== undefined) {
        metadata = await replace([first], []);
      } else if (n % 4 === 2 && first !== undefined) {
        metadata = await replace([first], [dataFile(day, [1, 7])]);
      } else {
        const file = dataFile(day, [1, 10]);
        const appended = await appendTo(io, metadata, [file], { ...options, baseLocation });
        live.push(file);
        rows += file.recordCount;
        metadata = appended.metadata;
      }
      const manifests = await readManifestList(
        io,
        metadata.snapshots.at(-1) ?? expect.fail('no snapshot'),
        cache,
      );
      sizes.push({
        manifests: manifests.length,
        dead: deadIn(manifests),
        bytes: serializeMetadata(metadata).length,
      });
    }

    async function replace(
      remove: DataFile[],
      add: DataFile[],
      operation: 'overwrite' | 'replace' = 'overwrite',
    ): Promise<TableMetadata> {
      const result = await replaceIn(
        io,
        metadata,
        remove.map(({ path }) => path),
        add,
        { ...options, operation, cache },
      );
      live = [...live.filter((file) => !remove.includes(file)), ...add];
      rows += [...add].reduce((sum, file) => sum + file.recordCount, 0);
      rows -= remove.reduce((sum, file) => sum + file.recordCount, 0);
      return result.metadata;
    }

    const peak = (from: number, to: number, of: 'manifests' | 'dead' | 'bytes'): number =>
      Math.max(...sizes.slice(from, to).map((size) => size[of]));
    // Ten manifests of each magnitude (1, 10 and 100 files), and those that the commit itself wrote.
    expect(peak(0, 2_000, 'manifests')).toBeLessThanOrEqual(33);
    // Entries of removed files stay for the snapshot that removed them and until their manifest is merged.
    expect(peak(0, 2_000, 'dead')).toBeLessThan(30);
    // Only the digits of counts and sequence numbers grow.
    expect(peak(1_500, 2_000, 'bytes')).toBeLessThan(peak(100, 600, 'bytes') * 1.02);

    const { files, snapshot } = await planScan({ io, metadata, cache });
    expect(files.map(({ path }) => path).toSorted()).toEqual(live.map(({ path }) => path).toSorted());
    expect(snapshot?.summary).toMatchObject({
      'total-records': String(rows),
      'total-data-files': String(live.length),
      'total-files-size': String(live.length * 100),
    });
  },
);

function deadIn(manifests: readonly ManifestFile[]): number {
  return manifests.reduce((sum, manifest) => sum + manifest.deletedFiles, 0);
}
