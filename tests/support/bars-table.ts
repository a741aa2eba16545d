import type { DuckDb } from '#core/lake/duckdb.ts';

export interface MadeBar {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  isFilled: boolean;
}

export interface MadeMarket {
  source: string;
  symbol: string;
  /** One after another; undefined where one is missing. */
  bars: readonly (MadeBar | undefined)[];
}

export const minuteUs = 60_000_000;
const firstUs = 1_700_000_040_000_000;

/** A table of minute bars with the columns of the model `int_bars`. */
export async function putBarsTable(
  duck: DuckDb,
  table: string,
  markets: readonly MadeMarket[],
): Promise<void> {
  await duck.run(
    `create or replace table ${table} (source varchar, symbol varchar, "interval" varchar, length_us bigint, open_us bigint,
       open double, high double, low double, close double, volume double, quote_volume double, trade_count bigint, is_filled boolean)`,
  );
  const rows = markets.flatMap(({ source, symbol, bars }) =>
    bars.flatMap((bar, i) =>
      bar === undefined
        ? []
        : [
            `('${source}', '${symbol}', '1m', ${minuteUs}, ${firstUs + i * minuteUs}, ${double(bar.open)}, ${double(bar.high)},
              ${double(bar.low)}, ${double(bar.close)}, ${double(bar.volume)}, ${double(bar.volume * bar.close)}, 1, ${bar.isFilled})`,
          ],
    ),
  );
  for (let i = 0; i < rows.length; i += 2_000) {
    await duck.run(`insert into ${table} values ${rows.slice(i, i + 2_000).join(', ')}`);
  }
}

/** A literal that DuckDB does not take for a decimal. */
function double(value: number): string {
  return `${value.toExponential()}::double`;
}

/** A bar that opens at one price and closes at another. */
export function madeBar(open: number, close: number, spread = 0.001, volume = 1): MadeBar {
  return {
    ...{ open, close, volume, isFilled: false },
    ...{ high: Math.max(open, close) * (1 + spread), low: Math.min(open, close) * (1 - spread) },
  };
}

/** Bars of a random walk from a price; the same for the same seed. */
export function randomWalk(seed: number, length: number, from = 100): MadeBar[] {
  const random = randomNumbers(seed);
  let price = from;
  return Array.from({ length }, () => {
    const open = price;
    price *= Math.exp((random() - 0.5) * 0.02);
    return madeBar(open, price, random() * 0.005, 1 + random() * 10);
  });
}

/** Numbers from 0 to 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
