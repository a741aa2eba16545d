import type { LogBatch } from './event-log.ts';

/**
 * Fetched batches that wait for the caller, bounded in bytes of lines: fetching stops while there is no room
 * (back-pressure). One fetcher pushes, one caller takes.
 */
export class BatchBuffer {
  readonly #maxBytes: number;
  readonly #onChange: (bytes: number) => void;
  #batches: LogBatch[] = [];
  #bytes = 0;
  #closed = false;
  #wakeTaker: (() => void) | undefined;
  #wakeFetcher: (() => void) | undefined;

  constructor(maxBytes: number, onChange: (bytes: number) => void = () => undefined) {
    this.#maxBytes = maxBytes;
    this.#onChange = onChange;
  }

  /** Bytes that may still be fetched; 0 or less when full. */
  get room(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Never waits: the fetcher asks for `room` first, and may pass the bound by its last batch. */
  push(batch: LogBatch): void {
    if (this.#closed) return;
    this.#batches.push(batch);
    this.#change(batch.lines.length);
    this.#wakeTaker?.();
  }

  /** Batches in order, at most `maxBytes` of lines but at least one; an empty array after `waitMs` without any. */
  async take(waitMs: number, maxBytes: number): Promise<LogBatch[]> {
    if (this.#batches.length === 0 && waitMs > 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wakeTaker = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wakeTaker = undefined;
    }
    let count = 0;
    let bytes = 0;
    for (const batch of this.#batches) {
      if (count > 0 && bytes + batch.lines.length > maxBytes) break;
      count += 1;
      bytes += batch.lines.length;
    }
    const taken = this.#batches.splice(0, count);
    this.#change(-bytes);
    return taken;
  }

  /** Forgets the batches of partitions that are no longer owned. */
  drop(isDropped: (batch: LogBatch) => boolean): void {
    const kept = this.#batches.filter((batch) => !isDropped(batch));
    this.#batches = kept;
    this.#change(kept.reduce((sum, batch) => sum + batch.lines.length, 0) - this.#bytes);
  }

  /** Resolves when there is room, or the buffer is closed. */
  async waitForRoom(): Promise<void> {
    while (this.room <= 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wakeFetcher = resolve;
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.drop(() => true);
    this.#wakeTaker?.();
    this.#wakeFetcher?.();
  }

  #change(bytes: number): void {
    this.#bytes += bytes;
    this.#onChange(this.#bytes);
    if (this.room > 0) this.#wakeFetcher?.();
  }
}
