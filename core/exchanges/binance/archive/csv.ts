import type { ArchiveKind } from './layout.ts';
import { damaged } from './damage.ts';

/** Columns of each kind of file, in order, by the names the loader gives them; and which one holds the time. */
export const csvColumns = {
  klines: {
    names: [
      ...['open_time', 'open', 'high', 'low', 'close', 'volume', 'close_time', 'quote_volume'],
      ...['trade_count', 'taker_buy_volume', 'taker_buy_quote_volume', 'ignore'],
    ],
    time: 0,
  },
  trades: {
    names: ['id', 'price', 'qty', 'quote_qty', 'time', 'is_buyer_maker', 'is_best_match'],
    time: 4,
  },
  aggTrades: {
    names: [
      ...['agg_trade_id', 'price', 'qty', 'first_trade_id', 'last_trade_id', 'time'],
      ...['is_buyer_maker', 'is_best_match'],
    ],
    time: 5,
  },
} as const satisfies Record<ArchiveKind, { names: readonly string[]; time: number }>;

export interface CsvFacts {
  /** Rows of data, the header not counted. */
  rows: number;
  bytes: number;
  hasHeader: boolean;
  /** Milliseconds or microseconds, told by the magnitude of the times. */
  timeUnit: 'ms' | 'us';
}

const newline = 10;
const quotationMark = 34;
const comma = 44;
const digit0 = 48;
const digit9 = 57;
/** Bytes kept of the begin and the end of a file: more than two lines have. */
const edgeBytes = 4_096;

/**
 * Looks at a CSV while it streams by: number of columns of every line, header or none, unit of the times, rows. Makes no
 * object per line. Throws DATA_CORRUPT with the line (`csv-columns`, `csv-empty`, `csv-time`).
 */
export class CsvScan {
  readonly #kind: ArchiveKind;
  readonly #place: string;
  readonly #commas: number;
  #line = 1;
  #lineBytes = 0;
  #lineCommas = 0;
  #emptyLine = 0;
  #bytes = 0;
  #hasHeader = false;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(kind: ArchiveKind, place: string) {
    this.#kind = kind;
    this.#place = place;
    this.#commas = csvColumns[kind].names.length - 1;
  }

  push(chunk: Buffer): void {
    this.#refuseQuotes(chunk);
    this.#keepEdges(chunk);
    let lineBytes = this.#lineBytes;
    let commas = this.#lineCommas;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === newline) {
        this.#endLine(lineBytes, commas);
        lineBytes = 0;
        commas = 0;
        continue;
      }
      if (byte === comma) commas++;
      if (lineBytes === 0) this.#beginLine(byte ?? 0);
      lineBytes++;
    }
    this.#lineBytes = lineBytes;
    this.#lineCommas = commas;
    this.#bytes += chunk.length;
  }

  end(): CsvFacts {
    if (this.#lineBytes > 0) this.#endLine(this.#lineBytes, this.#lineCommas);
    const lines = (this.#emptyLine === 0 ? this.#line : this.#emptyLine) - 1;
    const rows = lines - (this.#hasHeader ? 1 : 0);
    if (rows < 1) {
      throw damaged('csv-empty', this.#place, this.#hasHeader ? 'has a header and no rows' : 'is empty');
    }
    const first = this.#head.toString('latin1').split('\n')[this.#hasHeader ? 1 : 0] ?? '';
    const last = this.#tail.toString('latin1').trimEnd().split('\n').at(-1) ?? '';
    const timeUnit = this.#unitIn(first, this.#hasHeader ? 2 : 1);
    if (this.#unitIn(last, lines) !== timeUnit) {
      throw damaged('csv-time', this.#place, 'its first time is in another unit than its last');
    }
    return { rows, bytes: this.#bytes, hasHeader: this.#hasHeader, timeUnit };
  }

  /** A header may have them; in numbers they would make readers join lines. */
  #refuseQuotes(chunk: Buffer): void {
    const at = chunk.lastIndexOf(quotationMark);
    const headerEnd = this.#line > 1 ? 0 : chunk.indexOf(newline);
    if (at === -1 || headerEnd === -1 || at < headerEnd) return;
    throw damaged('csv-columns', this.#place, 'has quotation marks among its numbers');
  }

  #beginLine(byte: number): void {
    if (this.#emptyLine > 0) throw this.#badLine('the line is empty', this.#emptyLine);
    if (byte >= digit0 && byte <= digit9) return;
    if (this.#line > 1) throw this.#badLine('does not begin with a number');
    if (!/^["A-Za-z_]$/.test(String.fromCharCode(byte))) {
      throw this.#badLine('begins with neither a number nor a name');
    }
    this.#hasHeader = true;
  }

  #endLine(bytes: number, commas: number): void {
    if (bytes === 0) {
      if (this.#emptyLine === 0) this.#emptyLine = this.#line;
    } else if (commas !== this.#commas) {
      throw this.#badLine(`has ${commas + 1} columns, ${this.#kind} have ${this.#commas + 1}`);
    }
    this.#line++;
  }

  #unitIn(line: string, number: number): 'ms' | 'us' {
    const time = line.split(',')[csvColumns[this.#kind].time]?.trim() ?? '';
    if (/^\d{12,13}$/.test(time)) return 'ms';
    if (/^\d{15,16}$/.test(time)) return 'us';
    throw damaged('csv-time', this.#place, `'${time.slice(0, 40)}' is no time in ms or µs`, { line: number });
  }

  #badLine(what: string, line = this.#line) {
    return damaged('csv-columns', this.#place, what, { line });
  }

  #keepEdges(chunk: Buffer): void {
    if (this.#head.length < edgeBytes) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, edgeBytes - this.#head.length)]);
    }
    const joined = chunk.length >= edgeBytes ? chunk : Buffer.concat([this.#tail, chunk]);
    this.#tail = Buffer.from(joined.subarray(-edgeBytes));
  }
}
