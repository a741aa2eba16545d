import type { FileEntry, ManifestFile } from './types.ts';

/** Parsed files by location. Files of a table never change, so an entry is never stale. */
export interface FormatCache {
  manifests: BoundedCache<readonly FileEntry[]>;
  manifestLists: BoundedCache<readonly ManifestFile[]>;
}

export interface BoundedCache<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
}

/**
 * A cache that forgets what was used longest ago.
 *
 * @param entriesMax how many file entries, and how many entries of manifest lists, to remember; one takes about 2 kB.
 */
export function createFormatCache(entriesMax = 50_000): FormatCache {
  return {
    manifests: boundedCache(entriesMax),
    manifestLists: boundedCache(entriesMax),
  };
}

/** A map from location to a list, bounded by the lists' lengths in sum. */
function boundedCache<V extends readonly unknown[]>(weightMax: number): BoundedCache<V> {
  const entries = new Map<string, V>();
  let weight = 0;
  // Counts an empty list too, so that the number of keys is bounded as well.
  const weightOf = (value: V): number => value.length + 1;
  const drop = (key: string, value: V): void => {
    entries.delete(key);
    weight -= weightOf(value);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      const previous = entries.get(key);
      if (previous !== undefined) drop(key, previous);
      entries.set(key, value);
      weight += weightOf(value);
      for (const [oldest, list] of entries) {
        if (weight <= weightMax) break;
        drop(oldest, list);
      }
    },
  };
}
