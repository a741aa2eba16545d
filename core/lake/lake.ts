import { LRUCache } from 'lru-cache';
import { createFormatCache, type FormatCache } from '#core/iceberg/cache.ts';
import type { FileIO, TableMetadata } from '#core/iceberg/types.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { createLeases, type Leases } from './leases.ts';
import type { ObjectStore } from './object-store.ts';
import { type LakeTable } from './tables.ts';

/** What the lake's functions work on: the catalog's database, the store, and what is remembered of immutable files. */
export interface Lake {
  catalogName: string;
  database: Database;
  store: ObjectStore;
  /** The store as the table format reads and writes it. */
  io: FileIO;
  logger: Logger;
  metrics: Metrics;
  /** Parsed metadata by location; a location's content never changes. */
  metadataCache: LRUCache<string, TableMetadata>;
  /** Parsed manifests and manifest lists, immutable as well; bounded. */
  formatCache: FormatCache;
  /** What this process reads, for whoever deletes files. */
  leases: Leases;
  /** Where a new table's files go. */
  locationOf(table: LakeTable): string;
}

export interface LakeOptions {
  catalogName: string;
  database: Database;
  store: ObjectStore;
  logger: Logger;
  metrics: Metrics;
}

const cachedMetadataMax = 16;

/** The lake as it is; tables that are missing are seen as empty until {@link createLake} makes them. */
export function openLake(options: LakeOptions): Lake {
  return {
    ...options,
    io: {
      read: (location) => options.store.read(location),
      write: (location, bytes) => options.store.write(location, bytes),
    },
    metadataCache: new LRUCache({ max: cachedMetadataMax }),
    formatCache: createFormatCache(),
    leases: createLeases(options),
    locationOf: (table) => `${options.store.root}/${table.namespace}/${table.name}`,
  };
}
