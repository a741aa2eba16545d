import { describe, expect, it } from 'vitest';
import { newTableMetadata } from '#core/iceberg/metadata.ts';
import { manifestMayList, partitionKey, specById, summarizePartitions } from '#core/iceberg/partition.ts';
import type { ManifestFile, Value } from '#core/iceberg/types.ts';

const metadata = newTableMetadata({
  location: 'memory:table',
  schema: {
    fields: [
      { id: 1, name: 'symbol', type: 'string', required: false },
      { id: 2, name: 'ratio', type: 'double', required: false },
    ],
  },
  partitionSpec: {
    fields: [
      { 'source-id': 1, 'field-id': 1000, name: 'symbol', transform: 'identity' },
      { 'source-id': 2, 'field-id': 1001, name: 'ratio', transform: 'identity' },
    ],
  },
  sortOrder: { fields: [] },
});
const spec = specById(metadata, 0);

function manifestOf(...partitions: Record<string, Value | null>[]): ManifestFile {
  return {
    path: 'memory:m.avro',
    length: 1,
    specId: 0,
    content: 'data',
    sequenceNumber: 1,
    minSequenceNumber: 1,
    addedSnapshotId: 1,
    addedFiles: partitions.length,
    existingFiles: 0,
    deletedFiles: 0,
    addedRows: 1,
    existingRows: 0,
    deletedRows: 0,
    partitions: summarizePartitions(metadata.schemas, spec, partitions),
    keyMetadata: null,
  };
}

const manifests = {
  values: manifestOf({ symbol: 'BTC', ratio: 1 }, { symbol: 'ETH', ratio: 2 }),
  nulls: manifestOf({ symbol: null, ratio: NaN }),
  unknown: { ...manifestOf(), partitions: [] },
};

describe('manifestMayList', () => {
  it.each<[keyof typeof manifests, Record<string, Value | null>, boolean]>([
    ['values', { symbol: 'BTC', ratio: 2 }, true],
    ['values', { symbol: 'DOGE', ratio: 1.5 }, true],
    ['values', { symbol: 'ADA', ratio: 1 }, false],
    ['values', { symbol: 'SOL', ratio: 1 }, false],
    ['values', { symbol: 'BTC', ratio: 3 }, false],
    ['values', { symbol: null, ratio: 1 }, false],
    ['values', { symbol: 'BTC', ratio: NaN }, false],
    ['nulls', { symbol: null, ratio: NaN }, true],
    ['nulls', { symbol: 'BTC', ratio: NaN }, false],
    ['nulls', { symbol: null, ratio: 1 }, false],
    ['unknown', { symbol: 'BTC', ratio: 1 }, true],
  ])('of %s, for %o: %s', (name, partition, may) => {
    expect(manifestMayList(metadata, manifests[name], { specId: 0, partition })).toBe(may);
  });

  it('is not of another spec', () => {
    const partition = { symbol: 'BTC', ratio: 1 };
    expect(manifestMayList(metadata, manifests.values, { specId: 1, partition })).toBe(false);
  });
});

describe('partitionKey', () => {
  it('tells null from text that reads like it, and one place from another', () => {
    const keys = [
      { symbol: null, ratio: 1 },
      { symbol: 'null', ratio: 1 },
      { symbol: '1', ratio: null },
      { symbol: '","', ratio: 1 },
    ].map((partition) => partitionKey(spec, partition));
    expect(new Set(keys).size).toBe(4);
    expect(partitionKey(spec, { ratio: 1, symbol: 'null' })).toBe(keys[1]);
  });
});
