import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { PythonEnvironment } from '#core/platform/python.ts';
import type { Database } from '#core/platform/postgres/database.ts';

/** What jobs that ask a venue are wired with. */
export interface VenueDeps {
  database: Database;
  /** Opens the venue, its request weight shared with other jobs; it is closed after each use. */
  openExchange: () => Promise<Exchange>;
}

/** What jobs that bring a venue's history into the lake are wired with. */
export interface HistoryDeps extends VenueDeps {
  lake: Lake;
  /** Opens the venue's bulk archive. */
  openArchive: () => Promise<Archive>;
  /** A folder for files on their way, and for DuckDB to spill to. */
  spillDir: string;
  /** Makes the Python environment of the transforms, or finds it. */
  openPython: (signal?: AbortSignal) => Promise<PythonEnvironment>;
}
