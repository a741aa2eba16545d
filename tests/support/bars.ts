import { randomUUID } from 'node:crypto';
import type { Explanation, IdRange } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { replaceSpans, type SpansOutcome } from '#core/lake/replace.ts';
import { klines } from '#core/lake/tables.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import type { TestLake } from './lake.ts';

/** A bar of a test; decimals are text. */
export interface TestBar {
  openUs: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  quoteVolume: string;
  trades: number;
  filled?: boolean;
}

export interface TestBars {
  source: string;
  /** `BTCUSDT#1`. */
  listing: string;
  interval: Interval;
  /** In order. */
  bars: readonly TestBar[];
  /** What is replaced; default from the first bar to the last. */
  span?: { lo: number; hi: number };
  explained?: readonly Omit<Explanation, 'source' | 'listing' | 'interval'>[];
}

/** Puts bars into the lake, in the place of whatever it holds in their span. */
export async function putBars(
  ground: Pick<TestLake, 'lake' | 'spillDir'>,
  put: TestBars,
): Promise<SpansOutcome> {
  const { source, listing, interval, bars } = put;
  const stepUs = intervalUs(interval);
  const of = { source, listing, interval };
  const symbol = listing.replace(/#\d+$/, '');
  const rows = bars.map(
    (bar) =>
      `(${bar.openUs}, ${bar.open}, ${bar.high}, ${bar.low}, ${bar.close}, ${bar.volume}, ${bar.quoteVolume}, ${bar.trades}, ${bar.filled === true})`,
  );
  const first = bars[0]?.openUs ?? 0;
  const span = put.span ?? { lo: first, hi: (bars.at(-1)?.openUs ?? 0) + stepUs };
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '200MB', spillDir: ground.spillDir });
  try {
    await duck.run(
      `create temp table bars as
         select '${symbol}' as symbol, '${interval}' as interval, make_timestamptz(us::bigint) as open_time,
                open, high, low, close, volume, make_timestamptz(us::bigint + ${stepUs} - 1) as close_time, quote_volume,
                trades::bigint as trade_count, 0 as taker_buy_volume, 0 as taker_buy_quote_volume,
                '${source}' as source, filled as is_filled, open_time::date as date
           from (values ${rows.length > 0 ? rows.join(', ') : '(0, 0, 0, 0, 0, 0, 0, 0, false)'})
             as t(us, open, high, low, close, volume, quote_volume, trades, filled)
          where ${rows.length > 0}`,
    );
    return await replaceSpans(ground.lake, duck, {
      commitId: randomUUID(),
      table: klines,
      relation: 'bars',
      spans: [{ ...of, ...span }],
      added: runsOf(bars, stepUs).map((run) => ({ ...of, ...run })),
      explained: (put.explained ?? []).map((explanation) => ({ ...of, ...explanation })),
      summary: {},
      guard: () => Promise.resolve(),
    });
  } finally {
    duck.close();
  }
}

function runsOf(bars: readonly TestBar[], stepUs: number): Pick<IdRange, 'lo' | 'hi'>[] {
  const runs: Pick<IdRange, 'lo' | 'hi'>[] = [];
  for (const { openUs } of bars) {
    const last = runs.at(-1);
    if (last?.hi === openUs) last.hi += stepUs;
    else runs.push({ lo: openUs, hi: openUs + stepUs });
  }
  return runs;
}
