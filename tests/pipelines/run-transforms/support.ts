import { join } from 'node:path';
import { query } from '#core/lake/engine.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { createLogger } from '#core/platform/logging.ts';
import type { TransformReport } from '#pipelines/run-transforms/report.ts';
import { runTransforms, type TransformRequest } from '#pipelines/run-transforms/run.ts';
import { putBars, type TestBar } from '#tests/support/bars.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { installPython } from '#tests/support/python.ts';

export const source = 'binance';
export const dayUs = 86_400_000_000;

/** Microseconds of a UTC day. */
export function dayOf(day: string): number {
  return Date.parse(day) * 1_000;
}

export interface Series {
  symbol: string;
  interval: Interval;
  fromUs: number;
  bars: number;
  /** Whose content they have; default the market's own. */
  like?: string;
}

/** A bar whose content follows from its market and time. */
export function barAt(symbol: string, openUs: number, lengthUs: number): TestBar {
  const i = openUs / lengthUs;
  const phase = symbol.charCodeAt(0);
  const close = 1_000 + 50 * Math.sin((i + phase) / 9) + ((i * 7_919 + phase) % 101) / 10;
  const open = 1_000 + 50 * Math.sin((i - 1 + phase) / 9) + (((i - 1) * 7_919 + phase) % 101) / 10;
  return {
    ...{ openUs, open: open.toFixed(4), close: close.toFixed(4) },
    ...{ high: (Math.max(open, close) + 1).toFixed(4), low: (Math.min(open, close) - 1).toFixed(4) },
    ...{ volume: '10', quoteVolume: (10 * close).toFixed(4), trades: 5 },
  };
}

/** Brings bars into the lake, as a backfill does. */
export async function bringBars(
  ground: Pick<TestLake, 'lake' | 'spillDir'>,
  { symbol, interval, fromUs, bars, like = symbol }: Series,
): Promise<void> {
  const lengthUs = intervalUs(interval);
  const all = Array.from({ length: bars }, (_, i) => barAt(like, fromUs + i * lengthUs, lengthUs));
  await putBars(ground, { source, listing: `${symbol}#1`, interval, bars: all });
}

/** Runs the transforms on a test's lake. */
export async function transform(
  { lake, spillDir }: TestLake,
  request: Partial<TransformRequest> = {},
): Promise<TransformReport> {
  const logger = createLogger({ level: process.env['TEST_LOG'] ?? 'silent', name: 'test' });
  const openPython = () => installPython('dbt');
  return await runTransforms(
    { lake, spillDir: join(spillDir, 'transform'), openPython },
    { logger, ...request },
  );
}

/** What a mart's run says, by its name. */
export function reportOf(report: TransformReport, name: string): TransformReport['models'][number] {
  const found = report.models.find((model) => model.name === name);
  if (found === undefined) throw new Error(`the report says nothing of ${name}`);
  return found;
}

export async function rowsOf(
  { lake, spillDir }: TestLake,
  sql: string,
  asOf?: string,
): Promise<Record<string, unknown>[]> {
  const options = { spillDir, ...(asOf === undefined ? {} : { asOf }) };
  return (await query(lake, sql, options)).rows;
}
