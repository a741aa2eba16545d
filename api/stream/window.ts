/** A record as the stream keeps it: where it stood in the log, what it is, and its JSON as clients get it. */
export interface Entry {
  offset: number;
  /** The series it belongs to, by {@link seriesKey}. */
  key: string;
  /** Its place in the series: a trade's id, a bar's open time. */
  position: number;
  /** What has the same position and no later revision is the same again. */
  revision: number;
  json: string;
}

/** What became of a record that was offered. */
export type Taken = 'new' | 'duplicate' | 'late';

export interface WindowBounds {
  /** Records of a series that are held for snapshots and for clients that come back; up to twice as many for a while. */
  heldMax: number;
  /** Positions of a series that are told apart. */
  rememberedMax: number;
}

/** `source|symbol`, and what else tells one series of a channel from the next. */
export function seriesKey(...parts: readonly string[]): string {
  return parts.join('|');
}

/**
 * The newest records of one series in the order of the log, each once. A first revision that is older than all that is
 * remembered is late: it may have been sent before, so it is left to the lake.
 */
export class SeriesWindow<E extends Entry = Entry> {
  readonly key: string;
  readonly partition: number;
  /** Everything from this offset on that belongs to the series is held. */
  floorOffset: number;
  readonly #bounds: WindowBounds;
  readonly #entries: E[] = [];
  readonly #revisions = new Map<number, number>();
  #forgotten = -1;

  constructor(key: string, bounds: WindowBounds, partition = 0, floorOffset = 0) {
    this.key = key;
    this.#bounds = bounds;
    this.partition = partition;
    this.floorOffset = floorOffset;
  }

  get last(): E | undefined {
    return this.#entries.at(-1);
  }

  take(entry: E): Taken {
    const { position, revision } = entry;
    const known = this.#revisions.get(position);
    if (known !== undefined && known >= revision) return 'duplicate';
    if (known === undefined && position <= this.#forgotten && revision <= 1) return 'late';
    this.#entries.push(entry);
    this.#remember(position, revision);
    // Dropped in bulk: shifting an array for each record would cost more than the record.
    const { heldMax } = this.#bounds;
    if (this.#entries.length >= 2 * heldMax) {
      const dropped = this.#entries.splice(0, this.#entries.length - heldMax);
      this.floorOffset = (dropped.at(-1)?.offset ?? this.floorOffset - 1) + 1;
    }
    return 'new';
  }

  /** The newest `count`, oldest first. */
  newest(count: number): E[] {
    return this.#entries.slice(-count);
  }

  /** Those at or after an offset, oldest first. */
  from(offset: number): E[] {
    const first = this.#entries.findIndex((entry) => entry.offset >= offset);
    return first < 0 ? [] : this.#entries.slice(first);
  }

  #remember(position: number, revision: number): void {
    this.#revisions.set(position, revision);
    if (this.#revisions.size <= this.#bounds.rememberedMax) return;
    const [oldest] = this.#revisions.keys();
    if (oldest === undefined) return;
    this.#revisions.delete(oldest);
    this.#forgotten = Math.max(this.#forgotten, oldest);
  }
}
