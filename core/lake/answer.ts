import {
  DuckDBTimestampTZValue,
  JsonDuckDBValueConverter,
  type DuckDBDataChunk,
  type DuckDBResult,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api';

export const answerFormats = ['json', 'csv', 'arrow'] as const;
export type AnswerFormat = (typeof answerFormats)[number];

export interface AnswerBounds {
  rowsMax: number;
  /** A chunk of rows more may be written. */
  bytesMax: number;
}

/** What was written; exact once all of it is. */
export interface Written {
  rows: number;
  bytes: number;
  /** Whether there were more rows than the bounds let through. */
  truncated: boolean;
}

export interface AnswerOptions {
  format: AnswerFormat;
  bounds: AnswerBounds;
  /** What JSON says beside columns and rows. */
  notes?: Readonly<Record<string, Json>>;
}

/**
 * A result as bytes of a format, computed as they are read, and what was written of it so far. JSON has 64-bit integers and
 * decimals as text and times as RFC 3339; CSV has a heading and nulls as nothing; Arrow is an IPC stream.
 */
export function encodeAnswer(
  result: DuckDBResult,
  { format, bounds, notes = {} }: AnswerOptions,
): { written: Written; parts: AsyncIterable<Uint8Array> } {
  const written: Written = { rows: 0, bytes: 0, truncated: false };
  const chunks = withinBounds(result, bounds, written);
  return { written, parts: counted(encode(), written) };

  async function* encode(): AsyncGenerator<Uint8Array> {
    if (format === 'json') yield* texts(jsonText(result, chunks, () => ({ ...summary(), ...notes })));
    else if (format === 'csv') yield* texts(csvText(result, chunks));
    else {
      // Takes long to load, and most answers do without it.
      const { arrowStream } = await import('./arrow.ts');
      yield* arrowStream(result, chunks);
    }
  }

  function summary(): Record<string, Json> {
    return { rowCount: written.rows, truncated: written.truncated };
  }
}

async function* withinBounds(
  result: DuckDBResult,
  { rowsMax, bytesMax }: AnswerBounds,
  written: Written,
): AsyncGenerator<DuckDBDataChunk> {
  for await (const chunk of result) {
    const left = written.bytes >= bytesMax ? 0 : rowsMax - written.rows;
    if (chunk.rowCount > left) {
      written.truncated = true;
      chunk.rowCount = left;
    }
    written.rows += chunk.rowCount;
    if (chunk.rowCount > 0) yield chunk;
    if (written.truncated) return;
  }
}

async function* counted(parts: AsyncIterable<Uint8Array>, written: Written): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    written.bytes += part.byteLength;
    yield part;
  }
}

async function* texts(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) yield Buffer.from(line);
}

async function* jsonText(
  result: DuckDBResult,
  chunks: AsyncIterable<DuckDBDataChunk>,
  last: () => Record<string, Json>,
): AsyncGenerator<string> {
  const names = result.deduplicatedColumnNames();
  const types = result.columnTypes();
  const columns = names.map((name, index) => ({ name, type: String(types[index]) }));
  const keys = names.map((name) => `${JSON.stringify(name)}:`);
  yield `{"columns":${JSON.stringify(columns)},"rows":[`;
  let separator = '\n';
  for await (const chunk of chunks) {
    const rows = chunk.convertRows(shown).map((row) => `{${jsonCells(keys, row)}}`);
    yield `${separator}${rows.join(',\n')}`;
    separator = ',\n';
  }
  yield `\n],${JSON.stringify(last()).slice(1)}\n`;
}

function jsonCells(keys: readonly string[], row: readonly Json[]): string {
  return row.map((value, index) => `${keys[index] ?? ''}${JSON.stringify(value)}`).join();
}

async function* csvText(
  result: DuckDBResult,
  chunks: AsyncIterable<DuckDBDataChunk>,
): AsyncGenerator<string> {
  yield csvLine(result.deduplicatedColumnNames());
  for await (const chunk of chunks) yield chunk.convertRows(shown).map(csvLine).join('');
}

function csvLine(cells: readonly Json[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(cell: Json): string {
  const text = cell === null ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** As DuckDB shows values, but for times with a zone. */
const shown: DuckDBValueConverter<Json> = (value, type, converter) =>
  value instanceof DuckDBTimestampTZValue && value.isFinite
    ? instant(value.micros)
    : JsonDuckDBValueConverter(value, type, converter);

function instant(micros: bigint): Json {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - fraction) / 1_000n));
  // Years that no calendar of JavaScript has.
  if (Number.isNaN(seconds.getTime())) return String(micros);
  return `${seconds.toISOString().slice(0, -5)}.${String(fraction).padStart(6, '0')}Z`;
}
