import type { Interval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { signalOf, type SignalSaid } from './live-records.ts';
import type { Signal } from './schemas/signals.ts';

/** Which signals; without a part, all. Times are those of their bars, in microseconds, half-open. */
export interface SignalFilter {
  strategy?: string;
  source?: string;
  symbols?: readonly string[];
  interval?: Interval;
  signal?: 'BUY' | 'SELL';
  fromUs?: number;
  toUs?: number;
}

/** What tells a series of signals from the next, in the order of their lists. */
export type SignalSeries = readonly [strategy: string, source: string, symbol: string, interval: string];

const listSql = sqlFile(import.meta.url, 'sql/signals/list.sql');
const latestSql = sqlFile(import.meta.url, 'sql/signals/latest.sql');

/** Signals of the newest bars first, after the one that ended the page before. */
export async function listSignals(
  database: Transaction,
  filter: SignalFilter,
  page: { after?: { openUs: number; signalId: string }; limit: number },
): Promise<Signal[]> {
  const { strategy, source, symbols, interval, signal, fromUs, toUs } = filter;
  const { rows } = await database.query<SignalSaid>(listSql, [
    ...[strategy, source, symbols, interval, signal, fromUs, toUs].map((value) => value ?? null),
    ...[page.after?.openUs ?? null, page.after?.signalId ?? null, page.limit],
  ]);
  return rows.map(signalOf);
}

/** The newest signal of each strategy, market and interval, in this order, from the series after one on. */
export async function latestSignals(
  database: Transaction,
  filter: Pick<SignalFilter, 'strategy' | 'source' | 'interval' | 'signal'> & { symbol?: string },
  page: { after?: SignalSeries; limit: number },
): Promise<Signal[]> {
  const { strategy, source, symbol, interval, signal } = filter;
  const { rows } = await database.query<SignalSaid>(latestSql, [
    ...[strategy, source, symbol, interval, signal, page.after].map((value) => value ?? null),
    page.limit,
  ]);
  return rows.map(signalOf);
}
