import type { FetchedArchive } from '#core/exchanges/binance/archive/archive.ts';
import type { IdRange, TapeDay } from '#core/lake/coverage.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const checkSql = sqlFile(import.meta.url, 'sql/check.sql');

export interface Tape {
  loId: number;
  /** One past the last id. */
  hiId: number;
  firstUs: number;
  lastUs: number;
  trades: number;
  /** Runs of its ids. */
  keys: { lo: number; hi: number }[];
  /** Of the file, as published. */
  sha256: string;
}

/** Makes DuckDB's table `checked` of a file's trades. Throws DATA_CORRUPT with the first line that cannot be. */
export async function readTape(duck: DuckDb, file: FetchedArchive, place: string): Promise<Tape> {
  await duck.run(
    `create or replace temp macro exact(t) as
       case when not contains(t, '.') or length(t) - strpos(t, '.') <= 8
            then coalesce(try_cast(t as decimal(18,8))::decimal(38,18), try_cast(t as decimal(38,18)))
            when length(t) - strpos(t, '.') <= 18 then try_cast(t as decimal(38,18)) end`,
  );
  const values: Record<string, string> = {
    path: literal(file.csvPath),
    scale: file.timeUnit === 'ms' ? '1000' : '1',
    headers: file.hasHeader ? '1' : '0',
    from_us: String(file.period.fromUs),
    to_us: String(file.period.toUs),
  };
  await duck.run(checkSql.replaceAll(/\$(\w+)/g, (name, key: string) => values[key] ?? name));
  const [bad] = await duck.rows(
    'select line, refused from checked where refused is not null order by line limit 1',
  );
  if (bad !== undefined) {
    throw new TicklakeError(
      'DATA_CORRUPT',
      `${place}, line ${String(bad['line'])}: ${String(bad['refused'])}`,
      {
        remedy: 'Fetch the file again; if it stays so, use REST for this period.',
      },
    );
  }
  const [tape] = await duck.rows(
    `select min(trade_id) as lo, max(trade_id) + 1 as hi, min(timestamp_us) as first_us, max(timestamp_us) as last_us,
            count(*) as trades from checked`,
  );
  return {
    loId: Number(tape?.['lo']),
    hiId: Number(tape?.['hi']),
    firstUs: Number(tape?.['first_us']),
    lastUs: Number(tape?.['last_us']),
    trades: Number(tape?.['trades']),
    keys: await runsOf(duck, 'checked'),
    sha256: file.sha256,
  };
}

async function runsOf(duck: DuckDb, relation: string): Promise<{ lo: number; hi: number }[]> {
  const runs = await duck.rows(
    `select min(trade_id) as lo, max(trade_id) + 1 as hi
       from (select trade_id, trade_id - row_number() over (order by trade_id) as run from ${relation})
      group by run order by lo`,
  );
  return runs.map((run) => ({ lo: Number(run['lo']), hi: Number(run['hi']) }));
}

/** Makes the view `accepted` of what is not held yet; answers its runs of ids and its days. */
export async function acceptNew(
  duck: DuckDb,
  market: { source: string; symbol: string; listing: string },
  held: readonly IdRange[],
): Promise<{ added: IdRange[]; days: TapeDay[] }> {
  const { source, symbol, listing } = market;
  const isNew = held.map(({ lo, hi }) => `not (trade_id >= ${lo} and trade_id < ${hi})`).join(' and ');
  await duck.run(
    `create or replace temp view accepted as
       select ${literal(symbol)} as symbol, make_timestamptz(timestamp_us) as timestamp, price, volume, side, trade_id,
              ${literal(source)} as source, ${literal(new Date().toISOString())}::timestamptz as processing_time,
              make_timestamp(timestamp_us)::date as date
         from checked where ${isNew === '' ? 'true' : isNew}`,
  );
  const runs = await runsOf(duck, 'accepted');
  const days = await duck.rows(
    'select date::varchar as day, min(trade_id) as lo, max(trade_id) as last from accepted group by date',
  );
  return {
    added: runs.map((run) => ({ source, listing, ...run })),
    days: days.map((day) => ({
      ...{ source, listing, day: String(day['day']) },
      ...{ firstId: Number(day['lo']), lastId: Number(day['last']) },
    })),
  };
}
