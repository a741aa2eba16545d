import { Ajv } from 'ajv';
import { Type, type Static } from 'typebox';
import { fileOf, type ArchiveFile, type ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { KeptFile } from '../kept-file.ts';

/**
 * What `POST /simulator/archive` takes:
 * - `missing`: the file of this period answers 404.
 * - `drop`: the period's rows are in no file, daily or monthly; a file without rows answers 404. REST has them.
 * - `truncate`: of the period's rows, those after `part` of its time are in no file. REST has them.
 * - `checksum`: the file's `.CHECKSUM` says something else.
 * - `replace`: the file is published anew with other quantities in some rows, and its checksum; each `replace` changes it again.
 * - `header`: the file begins with the names of its columns.
 */
export const ArchiveFault = Type.Object(
  {
    kind: Type.Enum(['missing', 'drop', 'truncate', 'checksum', 'replace', 'header']),
    symbol: Type.String({ minLength: 1, maxLength: 40 }),
    /** Default all. */
    of: Type.Optional(Type.Enum(['klines', 'trades', 'aggTrades'])),
    interval: Type.Optional(Type.String({ minLength: 2, maxLength: 3 })),
    /** A day, `2024-03-05`, or a month, `2024-03`. */
    period: Type.String({ minLength: 7, maxLength: 10 }),
    /** For `truncate`, default a half. */
    part: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
);
export type ArchiveFault = Static<typeof ArchiveFault>;

const Kept = Type.Object({ seed: Type.Integer(), faults: Type.Array(ArchiveFault) });
type Kept = Static<typeof Kept>;

const ajv = new Ajv({ strict: true });
const isFault = ajv.compile<ArchiveFault>(ArchiveFault);
const isKept = ajv.compile<Kept>(Kept);
const faultsMax = 10_000;

/** Time in ms, half-open. */
export interface Hole {
  fromMs: number;
  toMs: number;
}

/** What is wrong with the archive; kept between runs, as the files it spoils are. */
export class ArchiveFaults {
  readonly #seed: number;
  readonly #file: KeptFile<Kept>;
  readonly #onChange: () => void;
  #all: readonly ArchiveFault[];

  /** Throws CONFLICT where the file belongs to another tape, DATA_CORRUPT where it holds something else. */
  constructor(seed: number, file: string | undefined, onChange: () => void) {
    this.#seed = seed;
    this.#file = new KeptFile(file, isKept);
    this.#onChange = onChange;
    const kept = this.#file.read();
    if (kept !== undefined && kept.seed !== seed) {
      throw new TicklakeError('CONFLICT', `${file} is of another tape (seed ${kept.seed})`, {
        remedy: 'Give that seed, or another file.',
      });
    }
    this.#all = kept?.faults ?? [];
  }

  get all(): readonly ArchiveFault[] {
    return this.#all;
  }

  /** Adds a fault as a request's body describes it; the text says what is wrong with it, if anything is. */
  add(body: unknown): ArchiveFault | string {
    if (!isFault(body)) {
      const [error] = isFault.errors ?? [];
      return `fault${error?.instancePath ?? ''} ${error?.message ?? ''}`;
    }
    if (periodOf(body.period) === undefined) return `'${body.period}' is neither a day nor a month`;
    if (this.#all.length >= faultsMax) return `there are ${faultsMax} faults already`;
    this.#change([...this.#all, body]);
    return body;
  }

  clear(): void {
    this.#change([]);
  }

  /** How many faults of a kind this file has. */
  count(kind: ArchiveFault['kind'], file: ArchiveFile): number {
    return this.#all.filter(
      (fault) => fault.kind === kind && fault.period === file.label && isOf(fault, file),
    ).length;
  }

  /** Times whose rows are left out of a series. */
  holesIn(series: ArchiveSeries): Hole[] {
    return this.#all.flatMap((fault) => {
      if ((fault.kind !== 'drop' && fault.kind !== 'truncate') || !isOf(fault, series)) return [];
      const period = periodOf(fault.period);
      if (period === undefined) return [];
      const { fromMs, toMs } = period;
      if (fault.kind === 'drop') return period;
      return { fromMs: fromMs + Math.round((toMs - fromMs) * (fault.part ?? 0.5)), toMs };
    });
  }

  #change(faults: readonly ArchiveFault[]): void {
    this.#file.write({ seed: this.#seed, faults: [...faults] });
    this.#all = faults;
    this.#onChange();
  }
}

function isOf(fault: ArchiveFault, { kind, symbol, interval }: ArchiveSeries): boolean {
  return (
    fault.symbol === symbol &&
    (fault.of === undefined || fault.of === kind) &&
    (fault.interval === undefined || fault.interval === interval)
  );
}

function periodOf(label: string): Hole | undefined {
  const series = { kind: 'trades', symbol: 'ANY' } as const;
  const file = fileOf(series, label.length === 7 ? 'monthly' : 'daily', label);
  if (file === undefined) return undefined;
  return { fromMs: file.period.fromUs / 1000, toMs: file.period.toUs / 1000 };
}
