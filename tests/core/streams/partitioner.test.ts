import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { expect, it } from 'vitest';
import { partitionOf } from '#core/streams/partitioner.ts';

it('chooses the partition Kafka chooses', () => {
  const partitioner = kafkajs.Partitioners.DefaultPartitioner();
  const choose = (key: string, partitions: number) =>
    partitioner({
      topic: 't',
      message: { key, value: '' },
      partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
        ...{ partitionId, partitionErrorCode: 0, leader: 0 },
        ...{ replicas: [], isr: [], offlineReplicas: [] },
      })),
    });
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
      expect(partitionOf(key, partitions)).toBe(choose(key, partitions));
    }),
    { numRuns: 1_000 },
  );
});
