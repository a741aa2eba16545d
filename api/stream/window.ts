/** A trade as the stream keeps it: where it stood in the log, and its JSON as clients get it. */
export interface WindowEntry {
  offset: number;
  sequence: number;
  price: string;
  timestamp: string;
  json: string;
}

/** What became of a trade that was offered. */
export type Taken = 'new' | 'duplicate' | 'late';

/** Trades of one market that are held for snapshots and for clients that come back. */
export const windowTradesMax = 500;
const rememberedIdsMax = 4_000;

/**
 * The newest trades of one market in the order of the log, each id once. An id that is older than all that is
 * remembered is late: it may have been sent before, so it is left to the lake.
 */
export class TradeWindow {
  readonly source: string;
  readonly symbol: string;
  readonly partition: number;
  /** Everything from this offset on that belongs to the market is held. */
  floorOffset: number;
  readonly #entries: WindowEntry[] = [];
  readonly #ids = new Set<number>();
  #forgottenId = -1;

  constructor(source: string, symbol: string, partition: number, floorOffset: number) {
    this.source = source;
    this.symbol = symbol;
    this.partition = partition;
    this.floorOffset = floorOffset;
  }

  get last(): WindowEntry | undefined {
    return this.#entries.at(-1);
  }

  take(entry: WindowEntry): Taken {
    if (this.#ids.has(entry.sequence)) return 'duplicate';
    if (entry.sequence <= this.#forgottenId) return 'late';
    this.#entries.push(entry);
    this.#remember(entry.sequence);
    // Dropped in bulk: shifting an array for each trade would cost more than the trade.
    if (this.#entries.length >= 2 * windowTradesMax) {
      const dropped = this.#entries.splice(0, this.#entries.length - windowTradesMax);
      this.floorOffset = (dropped.at(-1)?.offset ?? this.floorOffset - 1) + 1;
    }
    return 'new';
  }

  /** The newest `count`, oldest first. */
  newest(count: number): WindowEntry[] {
    return this.#entries.slice(-count);
  }

  /** Those at or after an offset, oldest first. */
  from(offset: number): WindowEntry[] {
    const first = this.#entries.findIndex((entry) => entry.offset >= offset);
    return first < 0 ? [] : this.#entries.slice(first);
  }

  #remember(id: number): void {
    this.#ids.add(id);
    if (this.#ids.size <= rememberedIdsMax) return;
    const [oldest] = this.#ids;
    if (oldest === undefined) return;
    this.#ids.delete(oldest);
    this.#forgottenId = Math.max(this.#forgottenId, oldest);
  }
}
