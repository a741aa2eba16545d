import type { LiveCandles } from '#core/features/live-candles.ts';
import type { LogBatch } from '#core/streams/event-log.ts';

/** Trades are taken so often at least: what a round costs hardly depends on how many there are. */
const waitMs = 150;
const recordsMax = 2_000;
const minuteUs = 60_000_000;

/** Batches of the log that wait to be taken together: for a moment, unless a bar may close by one of them. */
export class WaitingBatches {
  readonly #live: Pick<LiveCandles, 'closedUs'>;
  #batches: LogBatch[] = [];
  #records = 0;
  #sinceMs = 0;
  #isUrgent = false;

  constructor(live: Pick<LiveCandles, 'closedUs'>) {
    this.#live = live;
  }

  /** Whether they are to be taken at once. */
  get isUrgent(): boolean {
    return this.#isUrgent || this.#records > recordsMax;
  }

  add(batches: readonly LogBatch[], nowMs: number): void {
    if (this.#batches.length === 0) this.#sinceMs = nowMs;
    for (const batch of batches) {
      this.#batches.push(batch);
      this.#records += batch.count;
      // Many are taken at once anyway, and are not looked at one by one.
      this.#isUrgent ||= this.#records <= recordsMax && this.#mayClose(batch);
    }
  }

  /** Forgets those of a partition that another process takes. */
  drop(partition: number): void {
    const kept = this.#batches.filter((batch) => batch.partition !== partition);
    this.#batches = kept;
    this.#records = kept.reduce((sum, { count }) => sum + count, 0);
  }

  /** Hands them over, in the order of the log, where it is time. */
  take(nowMs: number): LogBatch[] {
    if (!this.isUrgent && nowMs - this.#sinceMs < waitMs) return [];
    const taken = this.#batches;
    this.#batches = [];
    this.#records = 0;
    this.#isUrgent = false;
    return taken;
  }

  #mayClose({ lines }: LogBatch): boolean {
    return lines
      .toString()
      .split('\n')
      .some((line) => {
        const { source, symbol, timestampUs } = placeOf(line);
        const closedUs = this.#live.closedUs({ source, symbol });
        return closedUs !== undefined && Math.floor(timestampUs / minuteUs) > Math.floor(closedUs / minuteUs);
      });
  }
}

/** Of which market and time a record is; of none where it is no trade, which is judged when it is taken. */
function placeOf(line: string): { source: string; symbol: string; timestampUs: number } {
  try {
    const { source, symbol, timestamp_us } = JSON.parse(line) as Record<string, unknown>;
    return { source: String(source), symbol: String(symbol), timestampUs: Number(timestamp_us) };
  } catch {
    return { source: '', symbol: '', timestampUs: Number.NaN };
  }
}
