import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';

export interface ClockOptions {
  /** Where the time is kept between runs; none forgets it. */
  file?: string;
  /** What the tape depends on; a file of another tape is refused. */
  tape: { seed: number; rate: number };
  /** Where time begins when the file does not say. */
  startUs: number;
}

interface Kept {
  seed: number;
  rate: number;
  nowUs: number;
}

/**
 * The simulator's time. It only moves by {@link advance}, and the file is written before time moves past what it says:
 * after a kill it goes on at or after the last instant that anyone saw, never before. The file is replaced whole, without
 * fsync: it survives the death of the process, not of the machine.
 */
export class VirtualClock {
  readonly #file: string | undefined;
  readonly #tape: { seed: number; rate: number };
  #nowUs: number;
  #writtenUs: number;

  /** Throws CONFLICT where the file belongs to another tape, DATA_CORRUPT where it holds no time. */
  constructor({ file, tape, startUs }: ClockOptions) {
    this.#file = file;
    this.#tape = tape;
    const kept = file === undefined ? undefined : read(file);
    if (kept !== undefined && (kept.seed !== tape.seed || kept.rate !== tape.rate)) {
      throw new TicklakeError(
        'CONFLICT',
        `${file} keeps the time of another tape (seed ${kept.seed}, rate ${kept.rate})`,
        {
          remedy: 'Give that seed and rate, or another clock file.',
        },
      );
    }
    this.#nowUs = kept?.nowUs ?? Math.floor(startUs);
    this.#writtenUs = this.#nowUs;
    if (kept === undefined) this.#write(this.#nowUs);
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return Math.floor(this.#nowUs / 1000);
  }

  /**
   * Moves time to `us` (never back), having written `us + aheadUs` where the file is behind `us`: a larger lead means
   * fewer writes and a longer jump after a kill. Throws DISK_FULL and others, time then stands.
   */
  advance(us: number, aheadUs: number): void {
    if (us <= this.#nowUs) return;
    if (us > this.#writtenUs) this.#write(Math.floor(us + aheadUs));
    this.#nowUs = us;
  }

  /** Writes the time itself, so that the next run goes on without a jump. */
  close(): void {
    this.#write(Math.ceil(this.#nowUs));
  }

  #write(us: number): void {
    this.#writtenUs = us;
    if (this.#file === undefined) return;
    const kept: Kept = { ...this.#tape, nowUs: us };
    try {
      writeFileSync(`${this.#file}.tmp`, JSON.stringify(kept));
      renameSync(`${this.#file}.tmp`, this.#file);
    } catch (error) {
      this.#writtenUs = 0;
      throw toTicklakeError(error);
    }
  }
}

function read(file: string): Kept | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw toTicklakeError(error);
  }
  const kept = parse(text);
  if (kept !== undefined) return kept;
  throw new TicklakeError('DATA_CORRUPT', `${file} does not hold the time of a simulator`, {
    remedy: 'Remove the file to begin anew, or give another seed.',
  });
}

function parse(text: string): Kept | undefined {
  try {
    const { seed, rate, nowUs } = JSON.parse(text) as Record<string, unknown>;
    if (typeof seed !== 'number' || typeof rate !== 'number' || !Number.isSafeInteger(nowUs))
      return undefined;
    return { seed, rate, nowUs: Number(nowUs) };
  } catch {
    return undefined;
  }
}
