import { open, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { IdRange, TapeDay } from '#core/lake/coverage.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { LogBatch } from '#core/streams/event-log.ts';

const sql = Object.fromEntries(
  [
    'check',
    'repeated',
    'judge-repeated',
    'leave-out',
    'accept',
    'spans',
    'ranges',
    'days',
    'venue-times',
    'counts',
    'refused',
  ].map((name) => [name, sqlFile(import.meta.url, `./sql/${name}.sql`)]),
) as Record<string, string>;

/** Before Bitcoin's first block no market traded it. */
const earliestTimestampUs = 1_230_940_800_000_000;
const rawCharactersMax = 4096;

/** A market whose trades are accepted; `latestUs` bounds their times where the venue's own clock is known. */
export interface KnownSymbol {
  source: string;
  symbol: string;
  listing: string;
  latestUs: number | null;
}

export interface RefusedRecord {
  topic: string;
  partition: number;
  incarnation: string;
  offset: number;
  source: string | null;
  symbol: string | null;
  listing: string | null;
  tradeId: number | null;
  channel: 'stream' | 'repair';
  reason: string;
  raw: string;
}

/** What became of a batch's records; `records = committed + duplicates + refused` for each channel. */
export interface BatchCounts {
  recordsStream: number;
  recordsRepair: number;
  committedStream: number;
  committedRepair: number;
  duplicatesStream: number;
  duplicatesRepair: number;
  refusedStream: number;
  refusedRepair: number;
}

/** Microseconds since 1970 UTC. */
export interface VenueTime {
  source: string;
  timeUs: number;
}

/** What is said of the rows to write, which stand in DuckDB as the relation `accepted`. */
export interface AcceptedRows {
  counts: BatchCounts;
  added: IdRange[];
  days: TapeDay[];
  /** How far each venue's time has come, by the rows to write. */
  venueTimes: VenueTime[];
}

/**
 * Reads a batch's lines into DuckDB, checks every record and judges ids that stand twice in it. No object is made
 * for a record. Afterwards `acceptNew` tells which rows are to be written.
 */
export async function checkBatch(
  duck: DuckDb,
  spillDir: string,
  batches: readonly LogBatch[],
  symbols: readonly KnownSymbol[],
  latestUs: number,
): Promise<void> {
  await loadSymbols(duck, symbols);
  await checkLines(duck, spillDir, batches, latestUs);
  await duck.run(select('repeated'));
  await duck.run(select('judge-repeated'));
}

/**
 * Gives a batch's trades, by the same checks, as a relation that is read once: the first of each id. A short way for who
 * needs to know nothing of the others.
 */
export async function withValidTrades<T>(
  duck: DuckDb,
  spillDir: string,
  batches: readonly LogBatch[],
  symbols: readonly KnownSymbol[],
  latestUs: number,
  work: (trades: string) => Promise<T>,
): Promise<T> {
  await loadSymbols(duck, symbols);
  return await withLines(spillDir, batches, (path) =>
    work(
      `(select source, symbol, trade_id, make_timestamptz(timestamp_us) as timestamp, price, volume, side
          from (${checkSql(path, latestUs)}) where refused is null
        qualify row_number() over (partition by source, symbol, trade_id order by line_number) = 1)`,
    ),
  );
}

/** Lowest and highest valid id of each listing in the checked batch. */
export async function batchSpans(duck: DuckDb): Promise<IdRange[]> {
  return (await duck.rows(select('spans'))).map(toRange);
}

/**
 * Leaves out what is held already: the rest stands in DuckDB as the relation `accepted`. May be called again with newer
 * ranges when a commit found an overlap.
 */
export async function acceptNew(duck: DuckDb, held: readonly IdRange[], processingTime: Date): Promise<void> {
  await duck.run('create or replace temp table held (source varchar, listing varchar, lo bigint, hi bigint)');
  await insertRows(
    duck,
    'held',
    held.map((range) => [literal(range.source), literal(range.listing), range.lo, range.hi]),
  );
  await duck.run(select('leave-out'));
  // A view takes no parameters.
  await duck.run(select('accept').replace('$processing_time', literal(processingTime.toISOString())));
}

/** Counts the rows that are accepted, and says where they lie. */
export async function acceptedRows(duck: DuckDb): Promise<AcceptedRows> {
  const [row] = await duck.rows(select('counts'));
  const count = (name: string): number => Number(row?.[name] ?? 0);
  const duplicates = (channel: 'stream' | 'repair'): number =>
    count(`records_${channel}`) - count(`refused_${channel}`) - count(`committed_${channel}`);
  return {
    counts: {
      recordsStream: count('records_stream'),
      recordsRepair: count('records_repair'),
      committedStream: count('committed_stream'),
      committedRepair: count('committed_repair'),
      duplicatesStream: duplicates('stream'),
      duplicatesRepair: duplicates('repair'),
      refusedStream: count('refused_stream'),
      refusedRepair: count('refused_repair'),
    },
    added: (await duck.rows(select('ranges'))).map(toRange),
    days: (await duck.rows(select('days'))).map((day) => ({
      source: String(day['source']),
      listing: String(day['listing']),
      day: String(day['day']),
      firstId: Number(day['first_id']),
      lastId: Number(day['last_id']),
    })),
    venueTimes: await venueTimes(duck),
  };
}

/** How far each venue's time has come, by trades. */
export async function venueTimes(duck: DuckDb, trades = 'accepted'): Promise<VenueTime[]> {
  return (await duck.rows(select('venue-times').replace('$trades', trades))).map((row) => ({
    source: String(row['source']),
    timeUs: Number(row['time_us']),
  }));
}

function select(name: string): string {
  const text = sql[name];
  if (text === undefined) throw new Error(`no such query: ${name}`);
  return text;
}

async function loadSymbols(duck: DuckDb, symbols: readonly KnownSymbol[]): Promise<void> {
  await duck.run(
    'create or replace temp table known_symbols (source varchar, symbol varchar, listing varchar, latest_us bigint)',
  );
  await insertRows(
    duck,
    'known_symbols',
    symbols.map((known) => [
      literal(known.source),
      literal(known.symbol),
      literal(known.listing),
      known.latestUs ?? 'null',
    ]),
  );
}

async function insertRows(duck: DuckDb, table: string, rows: readonly (string | number)[][]): Promise<void> {
  const rowsMax = 1000;
  for (let start = 0; start < rows.length; start += rowsMax) {
    const values = rows.slice(start, start + rowsMax).map((row) => `(${row.join(', ')})`);
    await duck.run(`insert into ${table} values ${values.join(', ')}`);
  }
}

async function checkLines(
  duck: DuckDb,
  spillDir: string,
  batches: readonly LogBatch[],
  latestUs: number,
): Promise<void> {
  const expected = batches.reduce((sum, batch) => sum + batch.count, 0);
  await withLines(spillDir, batches, async (path) => {
    if ((await checkFile(duck, path, latestUs)) === expected) return;
    // DuckDB passes over blank lines and top-level arrays: each must keep its place, as places are offsets.
    await writeFile(path, batches.flatMap((batch) => textLines(batch).map(asObjectLine)).join('\n') + '\n');
    const read = await checkFile(duck, path, latestUs);
    if (read !== expected) throw new Error(`a batch of ${expected} records has ${read} lines`);
  });
}

/** Gives the lines of batches in a file, for as long as they are worked on. */
async function withLines<T>(
  spillDir: string,
  batches: readonly LogBatch[],
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(spillDir, `batch-${randomUUID()}.jsonl`);
  try {
    const file = await open(path, 'wx');
    try {
      await file.writev(batches.map((batch) => batch.lines));
    } finally {
      await file.close();
    }
    return await work(path);
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

/** How many lines DuckDB saw in the file. */
async function checkFile(duck: DuckDb, path: string, latestUs: number): Promise<number> {
  await duck.run(`create or replace temp table checked as ${checkSql(path, latestUs)}`);
  const [row] = await duck.rows('select count(*) as lines from checked');
  return Number(row?.['lines']);
}

/** SQL of the lines of a file, in their types and with the reason why a line is refused. */
function checkSql(path: string, latestUs: number): string {
  return select('check')
    .replace('$path', () => literal(path))
    .replace('$earliest_us', String(earliestTimestampUs))
    .replace('$latest_us', String(latestUs));
}

function asObjectLine(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return line;
  } catch {
    // Not JSON: what becomes of it is said below.
  }
  return '{"reason":"not a JSON object"}';
}

function textLines(batch: LogBatch): string[] {
  return batch.lines.toString('utf8').split('\n').slice(0, batch.count);
}

/** The checked batch's refused records, in the order of the log. */
export async function refusedRecords(duck: DuckDb, batches: readonly LogBatch[]): Promise<RefusedRecord[]> {
  const rows = await duck.rows(select('refused'));
  const refused: RefusedRecord[] = [];
  let next = 0;
  let firstLine = 0;
  for (const batch of batches) {
    const lines =
      next < rows.length && Number(rows[next]?.['line_number']) < firstLine + batch.count
        ? textLines(batch)
        : [];
    for (; next < rows.length; next++) {
      const row = rows[next];
      const line = Number(row?.['line_number']) - firstLine;
      if (row === undefined || line >= batch.count) break;
      const text = (name: string): string | null => (typeof row[name] === 'string' ? row[name] : null);
      const tradeId = Number(row['trade_id'] ?? Number.NaN);
      refused.push({
        topic: batch.topic,
        partition: batch.partition,
        incarnation: batch.incarnation,
        offset: batch.baseOffset + line,
        source: text('source'),
        symbol: text('symbol'),
        listing: text('listing'),
        tradeId: Number.isSafeInteger(tradeId) && tradeId >= 0 ? tradeId : null,
        channel: row['by_stream'] === true ? 'stream' : 'repair',
        reason: text('reason') ?? 'refused',
        raw: (lines[line] ?? '').slice(0, rawCharactersMax),
      });
    }
    firstLine += batch.count;
  }
  return refused;
}

function toRange(row: Record<string, unknown>): IdRange {
  return {
    source: String(row['source']),
    listing: String(row['listing']),
    lo: Number(row['lo']),
    hi: Number(row['hi']),
  };
}
