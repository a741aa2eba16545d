import { TicklakeError } from '#core/platform/errors.ts';
import { KeptFile } from './kept-file.ts';

export interface ClockOptions {
  /** Where the time is kept between runs; none forgets it. */
  file?: string;
  /** What the tape depends on; a file of another tape is refused. */
  tape: TapeName;
  /** Where time begins when the file does not say. */
  startUs: number;
}

interface TapeName {
  seed: number;
  rate: number;
  /** Default `calm`. */
  life?: 'calm' | 'eventful';
}

type Kept = TapeName & { nowUs: number };

/**
 * The simulator's time. It only moves by {@link advance}, and the file is written before time moves past what it says:
 * after a kill it goes on at or after the last instant that anyone saw, never before. The file is replaced whole, without
 * fsync: it survives the death of the process, not of the machine.
 */
export class VirtualClock {
  readonly #file: KeptFile<Kept>;
  readonly #tape: TapeName;
  #nowUs: number;
  #writtenUs: number;

  /** Throws CONFLICT where the file belongs to another tape, DATA_CORRUPT where it holds no time. */
  constructor({ file, tape, startUs }: ClockOptions) {
    this.#file = new KeptFile(file, isKept);
    this.#tape = tape;
    const kept = this.#file.read();
    if (kept !== undefined && !isSame(kept, tape)) {
      throw new TicklakeError(
        'CONFLICT',
        `${file} keeps the time of another tape (seed ${kept.seed}, rate ${kept.rate}, ${kept.life ?? 'calm'})`,
        {
          remedy: 'Give that seed, rate and life, or another clock file.',
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
    try {
      this.#file.write({ ...this.#tape, nowUs: us });
      this.#writtenUs = us;
    } catch (error) {
      this.#writtenUs = 0;
      throw error;
    }
  }
}

function isSame(a: TapeName, b: TapeName): boolean {
  return a.seed === b.seed && a.rate === b.rate && (a.life ?? 'calm') === (b.life ?? 'calm');
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const { seed, rate, nowUs } = value as Record<string, unknown>;
  return typeof seed === 'number' && typeof rate === 'number' && Number.isSafeInteger(nowUs);
}
