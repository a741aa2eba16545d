import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { klinesPerAnswer } from '#core/exchanges/history.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { Interval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { compareCandles, compareWithRest, differencesMax } from './compare.ts';
import { recordDifferences } from './findings.ts';
import type { BarFilter, SampleWindow } from './windows.ts';

export interface ReconcileDeps {
  lake: Lake;
  /** A folder for DuckDB to spill to. */
  spillDir: string;
}

/** Who finds what is found, and what else belongs to its transaction. */
export interface ReconcileRun {
  run: string;
  signal?: AbortSignal | undefined;
  finish?: ((tx: Transaction, compared: Compared) => Promise<void>) | undefined;
}

export interface Compared {
  /** Fields in which two channels differ. */
  differences: number;
}

/** Compares all candles of a month with the exchange's bars in the lake, and records where they differ. */
export async function reconcileMonth(
  deps: ReconcileDeps,
  { interval, month }: { interval: Interval; month: string },
  { symbols, fromUs = 0, toUs = Number.MAX_SAFE_INTEGER }: BarFilter,
  { run, finish }: ReconcileRun,
): Promise<Compared> {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const span = {
    ...{ symbols, interval },
    fromUs: Math.max(fromUs, Date.UTC(year, number - 1) * 1_000),
    toUs: Math.min(toUs, Date.UTC(year, number) * 1_000),
  };
  return await withDuck(deps, async (duck) => {
    const found = await compareCandles(duck, deps.lake, span);
    const compared = { differences: found.length };
    await deps.lake.database.transaction(async (tx) => {
      await recordDifferences(tx, run, { ...span, against: 'klines' }, found, found.length < differencesMax);
      await finish?.(tx, compared);
    });
    return compared;
  });
}

/**
 * Asks the exchange for windows of bars and records where what the lake holds differs: a request a window, its weight taken
 * from the budget the exchange was opened with.
 */
export async function reconcileWithRest(
  deps: ReconcileDeps,
  exchange: Exchange,
  windows: readonly SampleWindow[],
  { run, signal, finish }: ReconcileRun,
): Promise<Compared & { bars: number }> {
  const { source } = exchange;
  const compared = { differences: 0, bars: 0 };
  await withDuck(deps, async (duck) => {
    for (const window of windows) {
      signal?.throwIfAborted();
      const { symbol, interval, fromUs, toUs } = window;
      const request = { symbol, interval, fromUs, toUs: toUs - 1, limit: klinesPerAnswer };
      const bars = await exchange.klines(request, signal);
      const found = await compareWithRest(duck, deps.lake, { ...window, source, bars });
      const scope = { ...window, source, symbols: [window.symbol], against: 'rest' as const };
      await deps.lake.database.transaction((tx) =>
        recordDifferences(tx, run, scope, found, found.length < differencesMax),
      );
      compared.bars += bars.length;
      compared.differences += found.length;
    }
  });
  if (finish !== undefined) await deps.lake.database.transaction((tx) => finish(tx, compared));
  return compared;
}

async function withDuck<T>({ spillDir }: ReconcileDeps, work: (duck: DuckDb) => Promise<T>): Promise<T> {
  const folder = join(spillDir, `reconcile-${randomUUID()}`);
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  try {
    return await work(duck);
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}
