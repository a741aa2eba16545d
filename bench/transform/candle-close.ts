import { bb, macd, mstd, rsi, sma } from 'indicatorts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile, type Benchmark, type Figures } from '#bench/benchmark.ts';
import { newestIndicators, tailBars } from '#core/features/indicators.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { putWalks } from './walks.ts';

const sizes = [10, 500];
const closes = 21;

/**
 * The newest row of all twelve indicators at the close of a bar, from the tails of all markets in a table: one query of the
 * prepared text, its rows read. Beside indicatorts, the fastest library of those that have them, over the same tails as
 * arrays in memory.
 */
export async function candleClose(): Promise<Benchmark> {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-bench-'));
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  return {
    lines: sizes.map((size) => ({
      name: `transform.candle_close_${size}`,
      unit: 'ms, median',
      peerName: 'indicatorts',
    })),
    async round() {
      const figures: Figures[] = [];
      for (const size of sizes) figures.push(await closeOf(duck, size));
      return figures;
    },
    async close() {
      duck.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function closeOf(duck: DuckDb, markets: number): Promise<Figures> {
  await putWalks(duck, 'bars', markets, tailBars);
  const newest = await duck.prepare(await newestIndicators(duck, { bars: 'bars' }));
  const tails = (await duck.rows('select symbol, close from bars order by symbol, open_us')).reduce(
    (found, row) => {
      const tail = found.get(String(row['symbol'])) ?? [];
      tail.push(Number(row['close']));
      return found.set(String(row['symbol']), tail);
    },
    new Map<string, number[]>(),
  );
  const ours: number[] = [];
  const peer: number[] = [];
  for (let close = 0; close < closes; close++) {
    let startedMs = performance.now();
    const rows = await newest.rows();
    ours.push(performance.now() - startedMs);
    startedMs = performance.now();
    const theirs = new Map([...tails].map(([symbol, tail]) => [symbol, byIndicatorts(tail)]));
    peer.push(performance.now() - startedMs);
    expectSame(rows, theirs);
  }
  return { ours: quantile(ours, 0.5), peer: quantile(peer, 0.5) };
}

function byIndicatorts(tail: number[]) {
  const last = (values: number[]): number => values.at(-1) ?? NaN;
  const band = bb(tail, { period: 20 });
  const { macdLine, signalLine } = macd(tail, { fast: 12, slow: 26, signal: 9 });
  const [sma20, sma50, sma200] = [20, 50, 200].map((period) => last(sma(tail, { period })));
  const returns = tail.slice(1).map((close, i) => Math.log(close / (tail[i] ?? NaN)));
  const close = last(tail);
  const [upper, lower, line, signal] = [band.upper, band.lower, macdLine, signalLine].map(last);
  return {
    ...{ sma_20: sma20, sma_50: sma50, sma_200: sma200, bb_upper: upper, bb_lower: lower },
    bb_percent_b: (close - (lower ?? NaN)) / ((upper ?? NaN) - (lower ?? NaN)),
    ...{ macd: line, macd_signal: signal, macd_histogram: (line ?? NaN) - (signal ?? NaN) },
    volatility_20: last(mstd(returns, { period: 20 })),
    rsi_14: last(rsi(tail, { period: 14 })),
    below_all_smas: [sma20, sma50, sma200].every((average) => close < (average ?? NaN)),
  };
}

/** Averages and bands; the library begins its exponential averages elsewhere, which fades along the tail. */
function expectSame(
  rows: readonly Record<string, unknown>[],
  theirs: ReadonlyMap<string, ReturnType<typeof byIndicatorts>>,
): void {
  if (rows.length !== theirs.size) throw new Error(`${rows.length} rows of ${theirs.size} markets`);
  for (const row of rows) {
    const wanted = theirs.get(String(row['symbol']));
    for (const column of ['sma_20', 'sma_50', 'sma_200', 'bb_upper', 'bb_lower'] as const) {
      const [ours, peer] = [Number(row[column]), wanted?.[column] ?? NaN];
      if (!(Math.abs(ours - peer) <= 1e-9 * Math.abs(peer))) {
        throw new Error(`${column} of ${String(row['symbol'])} is ${ours}, not ${peer}`);
      }
    }
  }
}
