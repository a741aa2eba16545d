import type { IdRange, TapeDay } from '#core/lake/coverage.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';

const checkSql = sqlFile(import.meta.url, 'sql/check.sql');
const repeatedSql = sqlFile(import.meta.url, 'sql/repeated.sql');
const runsSql = sqlFile(import.meta.url, 'sql/runs.sql');
const acceptedSql = sqlFile(import.meta.url, 'sql/accepted.sql');

/** A time, microseconds since 1970 UTC, half-open. */
export interface Span {
  fromUs: number;
  toUs: number;
}

/** Trades in the columns of the bulk archive. */
export interface TapeFile {
  csvPath: string;
  timeUnit: 'ms' | 'us';
  hasHeader: boolean;
  /** No trade of the file may lie outside. */
  period: Span;
}

/** What was read: DuckDB's table `checked` holds the trades. */
export interface Tape {
  trades: number;
  /** Times of the first and the last; 0 where there are none. */
  firstUs: number;
  lastUs: number;
  /** Runs of ids, ascending. */
  runs: Range[];
}

/** One coin at a venue. */
export interface Coin {
  source: string;
  symbol: string;
  listing: string;
}

/**
 * Makes DuckDB's table `checked` of a file's trades within a time; a trade that stands there again is left out.
 * @throws DATA_CORRUPT with the first line that cannot be, `context.damage` is `trade`.
 */
export async function readTape(duck: DuckDb, file: TapeFile, place: string, wanted: Span): Promise<Tape> {
  await duck.run(
    `create or replace temp macro exact(t) as
       case when not contains(t, '.') or length(t) - strpos(t, '.') <= 8
            then coalesce(try_cast(t as decimal(18,8))::decimal(38,18), try_cast(t as decimal(38,18)))
            when length(t) - strpos(t, '.') <= 18 then try_cast(t as decimal(38,18)) end`,
  );
  await duck.run(
    filled(checkSql, {
      path: literal(file.csvPath),
      scale: file.timeUnit === 'ms' ? '1000' : '1',
      headers: file.hasHeader ? '1' : '0',
      from_us: String(file.period.fromUs),
      to_us: String(file.period.toUs),
      wanted_from_us: String(wanted.fromUs),
      wanted_to_us: String(wanted.toUs),
    }),
  );
  await refuseFaulty(duck, place);
  const [ids] = await duck.rows(
    'select (select count(*) from (select trade_id from checked group by trade_id)) < count(*) as repeat from checked',
  );
  if (ids?.['repeat'] === true) {
    await duck.run(repeatedSql);
    await refuseFaulty(duck, place);
  }
  const [times] = await duck.rows(
    'select min(timestamp_us) as first_us, max(timestamp_us) as last_us, count(*) as trades from checked',
  );
  return {
    trades: Number(times?.['trades']),
    firstUs: Number(times?.['first_us'] ?? 0),
    lastUs: Number(times?.['last_us'] ?? 0),
    runs: await runsOf(duck, 'checked'),
  };
}

/** Makes the view `accepted` of what is not held yet; answers its runs of ids and its days. */
export async function acceptNew(
  duck: DuckDb,
  { source, symbol, listing }: Coin,
  tape: Tape,
  held: readonly IdRange[],
): Promise<{ added: IdRange[]; days: TapeDay[] }> {
  await duck.run('create or replace temp table held (lo bigint, hi bigint)');
  for (let at = 0; at < held.length; at += rowsPerInsert) {
    const rows = held.slice(at, at + rowsPerInsert).map(({ lo, hi }) => `(${lo}, ${hi})`);
    await duck.run(`insert into held values ${rows.join(', ')}`);
  }
  await duck.run(
    filled(acceptedSql, {
      symbol: literal(symbol),
      source: literal(source),
      processing_time: literal(new Date().toISOString()),
      // Where nothing is held, which is the rule, nothing needs to be joined.
      held: held.length === 0 ? '' : 'asof left join held h on c.trade_id >= h.lo',
      is_new: held.length === 0 ? 'true' : 'h.lo is null or c.trade_id >= h.hi',
    }),
  );
  const days = await duck.rows(
    'select date::varchar as day, min(trade_id) as lo, max(trade_id) as last from accepted group by date order by date',
  );
  const added = held.length === 0 ? tape.runs : await runsOf(duck, 'accepted');
  return {
    added: added.map(({ from, to }) => ({ source, listing, lo: from, hi: to })),
    days: days.map((day) => ({
      ...{ source, listing, day: String(day['day']) },
      ...{ firstId: Number(day['lo']), lastId: Number(day['last']) },
    })),
  };
}

const rowsPerInsert = 1_000;

async function runsOf(duck: DuckDb, relation: string): Promise<Range[]> {
  const rows = await duck.rows(filled(runsSql, { relation }));
  return rows.map((row) => ({ from: Number(row['lo']), to: Number(row['hi']) }));
}

async function refuseFaulty(duck: DuckDb, place: string): Promise<void> {
  const [bad] = await duck.rows(
    'select min(line) as line, arg_min(refused, line) as reason, count(*) as faults from checked where refused is not null',
  );
  if (bad === undefined || Number(bad['faults']) === 0) return;
  const line = Number(bad['line']);
  throw new TicklakeError('DATA_CORRUPT', `${place}, line ${line}: ${String(bad['reason'])}`, {
    remedy: 'Fetch the file again; if it stays so, use REST for this period.',
    context: { damage: 'trade', line, faults: Number(bad['faults']) },
  });
}

function filled(sql: string, values: Record<string, string>): string {
  return sql.replaceAll(/\$(\w+)/g, (name, key: string) => values[key] ?? name);
}
