import type { TopicDescription } from '#core/streams/event-log.ts';

/** Offset after the last record that was taken, by partition. */
export type Positions = ReadonlyMap<number, number>;

/**
 * How far each venue's time has come for sure: a time is believed when all that stood in the log a while after it was seen has
 * been taken. So neither a partition that is read more slowly than others nor a trade on its way makes bars close early,
 * beyond the lateness that is allowed. Times are microseconds since 1970 UTC.
 */
export class Watermarks {
  readonly #latenessMs: number;
  readonly #current = new Map<string, number>();
  readonly #newest = new Map<string, number>();
  #waiting: { sinceMs: number; times: ReadonlyMap<string, number>; ends?: Positions } | undefined;

  /** @param latenessMs how long, by our clock, a trade may take from the venue into the log. */
  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  get current(): ReadonlyMap<string, number> {
    return this.#current;
  }

  /** Believes nothing more, as there are other partitions to read. */
  reset(): void {
    this.#current.clear();
    this.#waiting = undefined;
  }

  /** Notes a time that a venue told, in a trade or by its clock. */
  observe(source: string, timeUs: number): void {
    this.#newest.set(source, Math.max(this.#newest.get(source) ?? 0, timeUs));
  }

  /** Moves on where it can; asks for the log's ends when it needs them. */
  async advance(nowMs: number, taken: Positions, describe: () => Promise<TopicDescription>): Promise<void> {
    this.#waiting ??= { sinceMs: nowMs, times: new Map(this.#newest) };
    if (nowMs - this.#waiting.sinceMs < this.#latenessMs) return;
    this.#waiting.ends ??= endsOf(await describe());
    const { ends, times } = this.#waiting;
    if ([...taken].some(([partition, offset]) => offset < (ends.get(partition) ?? 0))) return;
    for (const [source, us] of times) this.#current.set(source, Math.max(this.#current.get(source) ?? 0, us));
    this.#waiting = undefined;
  }
}

function endsOf({ partitions }: TopicDescription): Positions {
  return new Map(partitions.map(({ partition, endOffset }) => [partition, endOffset]));
}
