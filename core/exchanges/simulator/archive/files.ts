import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { bulkhead } from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { ZipFile } from 'yazl';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { intervals } from '../messages.ts';
import type { Tape } from '../tape.ts';
import type { ArchiveFaults } from './faults.ts';
import { csvOf, type RowsOptions } from './rows.ts';

interface Made {
  sha256: string;
  /** Undefined where they are too many to keep: then they are made anew. */
  bytes: Buffer | undefined;
}

const keptBytes = 128 * 1024 * 1024;
const keptBytesEach = 32 * 1024 * 1024;
const madeAtOnce = 2;
const madeLater = 1_000;
const monday = 1;

/** The zips of the archive, made of the tape as they are asked for: the same bytes every time. */
export class ArchiveFiles {
  readonly #tape: Tape;
  readonly #faults: ArchiveFaults;
  readonly #nowMs: () => number;
  readonly #made = new LRUCache<string, Made>({
    maxSize: keptBytes,
    sizeCalculation: ({ bytes }) => 1_000 + (bytes?.length ?? 0),
  });
  readonly #making = new Map<string, Promise<Made>>();
  readonly #queue = bulkhead(madeAtOnce, madeLater);

  constructor(tape: Tape, faults: ArchiveFaults, nowMs: () => number) {
    this.#tape = tape;
    this.#faults = faults;
    this.#nowMs = nowMs;
  }

  /** What was made before the archive changed is of no use. */
  forget(): void {
    this.#made.clear();
    this.#making.clear();
  }

  /**
   * Whether the file is published: the day's when the day is over, the month's on the first Monday after the month; never
   * without rows.
   */
  has(file: ArchiveFile): boolean {
    if (file.kind === 'klines' && !intervals.has(file.interval ?? '')) return false;
    if (this.#nowMs() < publishedMs(file) || this.#faults.count('missing', file) > 0) return false;
    return csvOf(this.#rowsOf(file)).next().done !== true;
  }

  /** The `.CHECKSUM` file's text. */
  async checksum(file: ArchiveFile): Promise<string> {
    const { sha256 } = await this.#make(file);
    const isWrong = this.#faults.count('checksum', file) > 0;
    const digest = isWrong ? createHash('sha256').update(sha256).digest('hex') : sha256;
    return `${digest}  ${file.name}\n`;
  }

  /** The zip: whole where it is small. */
  async zip(file: ArchiveFile): Promise<Buffer | Readable> {
    const { bytes } = await this.#make(file);
    return bytes ?? this.#stream(file);
  }

  async #make(file: ArchiveFile): Promise<Made> {
    const held = this.#made.get(file.path);
    if (held !== undefined) return held;
    const underWay = this.#making.get(file.path);
    if (underWay !== undefined) return await underWay;
    const making = this.#queue.execute(() => collect(this.#stream(file)));
    this.#making.set(file.path, making);
    try {
      const made = await making;
      if (this.#making.get(file.path) === making) this.#made.set(file.path, made);
      return made;
    } finally {
      if (this.#making.get(file.path) === making) this.#making.delete(file.path);
    }
  }

  #stream(file: ArchiveFile): Readable {
    const zip = new ZipFile();
    const name = `${file.name.slice(0, -'.zip'.length)}.csv`;
    zip.addReadStream(Readable.from(csvOf(this.#rowsOf(file)), { objectMode: false }), name, {
      ...{ mtime: localDate(publishedMs(file)), forceDosTimestamp: true, mode: 0o100644 },
    });
    zip.end();
    const output = Readable.from(zip.outputStream);
    zip.on('error', (error: Error) => output.destroy(error));
    return output;
  }

  #rowsOf(file: ArchiveFile): RowsOptions {
    const faults = this.#faults;
    return {
      ...{ file, listings: this.#tape.listings(file.symbol), holes: faults.holesIn(file) },
      ...{ hasHeader: faults.count('header', file) > 0, excess: faults.count('replace', file) },
    };
  }
}

async function collect(stream: Readable): Promise<Made> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    hash.update(part);
    length += part.length;
    if (length <= keptBytesEach) parts.push(part);
    else parts.length = 0;
  }
  return {
    sha256: hash.digest('hex'),
    bytes: length <= keptBytesEach ? Buffer.concat(parts) : undefined,
  };
}

/** A zip holds local time without its zone: this is the day in UTC wherever the simulator runs. */
function localDate(ms: number): Date {
  const date = new Date(ms);
  return new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
}

function publishedMs({ granularity, period }: ArchiveFile): number {
  const endMs = period.toUs / 1000;
  if (granularity === 'daily') return endMs;
  const days = (monday - new Date(endMs).getUTCDay() + 7) % 7;
  return endMs + days * 86_400_000;
}
