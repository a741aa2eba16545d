import type { Metrics } from '#core/platform/metrics.ts';

/** A client that messages wait for. */
export interface Reader {
  /** Bytes that were handed over and not yet taken by the network. */
  bufferedBytes(): number;
  /** Closes the client, and takes it out of the budget. */
  drop(): void;
}

/** What may wait for all clients of a process together: each has a bound of its own, but a thousand of those are too much. */
export interface SendBudget {
  add(reader: Reader): void;
  remove(reader: Reader): void;
  /** Counts what was handed over; now and then looks, and drops the slowest until the rest is within bounds. */
  sent(bytes: number): void;
}

export interface SendBudgetOptions {
  metrics: Metrics;
  /** Default 64 MiB. */
  bytesMax?: number;
  /** Bytes handed over between two looks, by which the bound may be passed; default 1 MiB. */
  lookEveryBytes?: number;
}

export function createSendBudget(options: SendBudgetOptions): SendBudget {
  const { metrics, bytesMax = 64 * 1024 * 1024, lookEveryBytes = 1024 * 1024 } = options;
  const buffered = metrics.gauge('ticklake_stream_buffered_bytes', 'What waits for clients, all together');
  const readers = new Set<Reader>();
  let unlooked = 0;

  return {
    add: (reader) => void readers.add(reader),
    remove: (reader) => void readers.delete(reader),
    sent(bytes) {
      unlooked += bytes;
      if (unlooked < lookEveryBytes) return;
      unlooked = 0;
      look();
    },
  };

  function look(): void {
    const waiting = [...readers].map((reader) => ({ reader, bytes: reader.bufferedBytes() }));
    let total = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    buffered.set(total);
    if (total <= bytesMax) return;
    for (const { reader, bytes } of waiting.toSorted((a, b) => b.bytes - a.bytes)) {
      reader.drop();
      total -= bytes;
      if (total <= bytesMax) break;
    }
  }
}
