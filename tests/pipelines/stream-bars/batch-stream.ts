import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { indicatorsModel } from '#core/features/indicators.ts';
import { LiveCandles } from '#core/features/live-candles.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { Tails } from '#pipelines/stream-bars/tails.ts';

export interface BatchStreamOptions {
  symbols: number;
  /** Minutes of the day that are replayed, and of these the last ones that close one by one. */
  minutes: number;
  oneByOne: number;
}

export interface BatchStreamResult {
  /** Rows that were compared: indicators of a market at a close. */
  rows: number;
  /** The largest difference of any value, relative to its scale. */
  worst: number;
  /** Rows of which one way has a value and the other null, or that only one way has. */
  unlike: number;
  /** Milliseconds of a close, evaluation included: median. */
  closeMs: number;
}

const startUs = Date.UTC(2024, 2, 5) * 1_000;
const columns = [
  'sma_20',
  'sma_50',
  'sma_200',
  'bb_upper',
  'bb_lower',
  'bb_percent_b',
  'macd',
  'macd_signal',
].concat(['macd_histogram', 'volatility_20', 'rsi_14']);

/**
 * Replays a day of simulated trades through live bars, evaluating the indicators at each close; then makes them of the same
 * bars in one batch, and compares.
 */
export async function batchStreamRun({
  symbols,
  minutes,
  oneByOne,
}: BatchStreamOptions): Promise<BatchStreamResult> {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-batch-stream-'));
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '2GB', spillDir: folder });
  const closeMs: number[] = [];
  try {
    await duck.run(tradesSql(symbols, minutes));
    await duck.run('create table compared (symbol varchar, open_us bigint, record varchar)');
    await duck.run(
      'create table closed as select null::varchar as symbol, 0::bigint as open_us, 0.0::double as close limit 0',
    );
    const live = await LiveCandles.open(duck);
    const tails = await Tails.open(duck);
    const history = minutes - oneByOne;
    await close(live, tails, `minute < ${history}`, false);
    for (let minute = history; minute < minutes; minute++) {
      const startedMs = performance.now();
      await close(live, tails, `minute = ${minute}`, true);
      closeMs.push(performance.now() - startedMs);
    }
    return { ...(await compare()), closeMs: closeMs.toSorted((a, b) => a - b)[closeMs.length >> 1] ?? 0 };
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }

  async function close(live: LiveCandles, tails: Tails, which: string, isCompared: boolean): Promise<void> {
    await live.take(`(select * exclude (minute) from tape where ${which})`);
    await live.close('minutes', new Map());
    await duck.run(
      `insert into closed select symbol, epoch_us(open_time), close::double from live.closed where "interval" = '1m'`,
    );
    const said = (
      await duck.rows(
        `select source, symbol, "interval", min(epoch_us(open_time)) as from_us from live.closed
          where "interval" = '1m' group by all`,
      )
    ).map((row) => ({
      ...{ source: String(row['source']), symbol: String(row['symbol']), interval: String(row['interval']) },
      fromUs: Number(row['from_us']),
    }));
    const { indicators } = await tails.evaluate(said);
    await tails.settle();
    if (!isCompared) return;
    const rows = indicators.map(
      ({ symbol, openUs, record }) => `('${symbol}', ${openUs}, '${record.replaceAll("'", "''")}')`,
    );
    await duck.run(`insert into compared values ${rows.join(', ')}`);
  }

  async function compare(): Promise<Omit<BatchStreamResult, 'closeMs'>> {
    const model = await indicatorsModel(duck, {
      bars: `(select 'venue' as source, symbol, '1m' as "interval", 60000000::bigint as length_us, open_us, close as open,
                     close as high, close as low, close, 1.0::double as volume, close as quote_volume,
                     1::bigint as trade_count, false as is_filled from closed)`,
    });
    await duck.run(`create table made as select *, epoch_us(open_time) as open_us from (${model})`);
    const difference = columns.map(
      (column) =>
        `abs((record->>'${column}')::double - ${column}) / greatest(abs(${column}), ${scaleOf(column)})`,
    );
    const unlike = columns.map((column) => `((record->>'${column}') is null) <> (${column} is null)`);
    const [row] = await duck.rows(
      `select count(*) as n, max(greatest(${difference.map((d) => `coalesce(${d}, 0)`).join(', ')})) as worst,
              count(*) filter (${unlike.join(' or ')} or made.symbol is null
                or (record->>'below_all_smas')::boolean is distinct from below_all_smas) as unlike
         from compared left join made using (symbol, open_us)`,
    );
    return { rows: Number(row?.['n']), worst: Number(row?.['worst']), unlike: Number(row?.['unlike']) };
  }
}

/** What may cross zero is compared on its scale: lines of MACD are parts of prices, a place within a band is about 1. */
function scaleOf(column: string): string {
  if (column.startsWith('macd')) return 'close';
  return column === 'bb_percent_b' ? '1' : '1e-300';
}

/** A trade a minute of each market, prices a walk that is the same each time. */
function tradesSql(symbols: number, minutes: number): string {
  return `create table tape as
    with steps as (
      select s as market, m as minute, ((hash(s * 100003 + m) % 2001)::integer - 1000) / 1e6 as step
        from range(${symbols}) a(s), range(${minutes + 1}) b(m)
    ), walks as (
      select market, minute, 10 ^ (market % 9 - 3) * exp(sum(step) over (partition by market order by minute)) as price from steps
    )
    select 'S' || market as symbol, make_timestamptz(${startUs} + minute * 60000000 + 1000) as timestamp,
           greatest(round(price, 8), 1e-8)::decimal(18, 8)::decimal(38, 18) as price, 1::decimal(38, 18) as volume,
           'buy' as side, minute::bigint + 1 as trade_id, 'venue' as source, minute
      from walks order by minute, market`;
}
