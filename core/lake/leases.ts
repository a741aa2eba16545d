import { randomUUID } from 'node:crypto';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';

/** One row in Postgres for all that a process reads, so that no file it may have open is deleted. */
export interface Leases {
  /** Says that files are read from now on, until what it answers is called. Costs a query at most every few seconds. */
  hold(): Promise<() => void>;
  /** The same for whoever cannot tell when it has done reading: for a time that no read exceeds. */
  touch(): Promise<void>;
}

/** The row is as new as this, or written anew. */
const freshMs = 20_000;
/** The row counts for this long when its process is gone. */
const lapseSeconds = 120;
/** What is touched counts as read for so long. */
const touchMs = 15 * 60_000;

interface Read {
  /** Database time before which it did not begin. */
  since: string;
  /** When it is over at the latest, by this process's clock. */
  endMs: number;
}

interface LeaseOptions {
  database: Database;
  logger: Logger;
  metrics: Metrics;
}

/** The process's lease. Nothing is written before the first read; the row of one that is gone lapses by itself. */
export function createLeases({ database, logger, metrics }: LeaseOptions): Leases {
  const holder = randomUUID();
  const reads = new Set<Read>();
  const open = metrics.gauge(
    'ticklake_lake_reads',
    'Reads of the lake that keep its files from being deleted',
  );
  let answered: { since: string; atMs: number } | undefined;
  let touched: Read | undefined;
  let renewing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const renew = async (): Promise<void> => {
    const [oldest] = reads;
    const { rows } = await database.query<{ since: string }>(
      'select reads.hold_lease($1, $2::timestamptz, $3)::text as since',
      // A read that begins meanwhile began after the last answer.
      [holder, oldest?.since ?? answered?.since ?? null, lapseSeconds],
    );
    const [row] = rows;
    if (row !== undefined) answered = { since: row.since, atMs: performance.now() };
  };
  const fresh = async (): Promise<string> => {
    for (;;) {
      if (answered !== undefined && performance.now() - answered.atMs < freshMs) return answered.since;
      renewing ??= renew().finally(() => (renewing = undefined));
      await renewing;
    }
  };
  const keep = (): void => {
    timer ??= setInterval(() => {
      for (const read of reads) if (read.endMs < performance.now()) reads.delete(read);
      open.set(reads.size);
      if (reads.size === 0) {
        clearInterval(timer);
        timer = undefined;
        return;
      }
      fresh().catch((error: unknown) => {
        logger.debug({ err: error }, 'the lease on the files being read was not renewed');
      });
    }, freshMs / 2).unref();
  };
  const begin = async (endMs: number): Promise<Read> => {
    const read = { since: await fresh(), endMs };
    reads.add(read);
    open.set(reads.size);
    keep();
    return read;
  };

  return {
    async hold() {
      const read = await begin(Infinity);
      return () => {
        reads.delete(read);
        open.set(reads.size);
      };
    },
    async touch() {
      const since = await fresh();
      if (touched?.since === since && reads.has(touched)) return;
      touched = await begin(performance.now() + touchMs);
    },
  };
}
