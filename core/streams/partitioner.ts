import { LRUCache } from 'lru-cache';

/**
 * The partition of a key: murmur2 of its UTF-8 bytes without the sign bit, modulo the number of partitions, as
 * Kafka's default partitioner has it (org.apache.kafka.common.utils.Utils.murmur2), so that a key keeps its
 * partition when the log moves between adapters.
 */
export function partitionOf(key: string, partitions: number): number {
  let hash = hashes.get(key);
  if (hash === undefined) {
    hash = murmur2(Buffer.from(key)) & 0x7fffffff;
    hashes.set(key, hash);
  }
  return hash % partitions;
}

const hashes = new LRUCache<string, number>({ max: 10_000 });

const multiplier = 0x5bd1e995;

function murmur2(data: Buffer): number {
  let hash = 0x9747b28c ^ data.length;
  const tail = data.length & ~3;
  for (let at = 0; at < tail; at += 4) {
    let word = Math.imul(data.readInt32LE(at), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (tail < data.length) {
    hash ^= data.readUIntLE(tail, data.length - tail);
    hash = Math.imul(hash, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
