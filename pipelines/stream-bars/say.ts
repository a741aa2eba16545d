import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { moveOffsets, type OwnedPartition } from '#core/streams/offsets.ts';
import { streamGroup } from './group.ts';
import type { Evaluation, SaidBars, Tails } from './tails.ts';

const recordsSql = sqlFile(import.meta.url, 'sql/records.sql');
const keepCandlesSql = sqlFile(import.meta.url, 'sql/keep-candles.sql');
const keepIndicatorsSql = sqlFile(import.meta.url, 'sql/keep-indicators.sql');
const keepSignalsSql = sqlFile(import.meta.url, 'sql/keep-signals.sql');
const supersedeSql = sqlFile(import.meta.url, 'sql/supersede-signals.sql');

const shortDecimalMacro = `create or replace macro short_decimal(amount) as rtrim(rtrim(amount::varchar, '0'), '.')`;

export interface ClosedBar {
  source: string;
  symbol: string;
  interval: string;
  openUs: number;
  /** JSON of its record, without the revision. */
  record: string;
}

export interface SaidCounts {
  candles: number;
  revisions: number;
  signals: number;
}

interface Change {
  source: string;
  symbol: string;
  interval: string;
  open_us: number;
  revision: number;
}

/** Prepares a DuckDB that has {@link LiveCandles} to answer the bars in `live.closed`, in the order of their key. */
export async function prepareClosedBars(duck: DuckDb): Promise<() => Promise<ClosedBar[]>> {
  await duck.run(shortDecimalMacro);
  const records = await duck.prepare(recordsSql);
  return async () =>
    (await records.rows()).map((row) => ({
      ...{ source: String(row['source']), symbol: String(row['symbol']), interval: String(row['interval']) },
      ...{ openUs: Number(row['open_us']), record: String(row['record']) },
    }));
}

/**
 * Keeps bars of a minute and more that are new or not as they were, what follows from them, and how far the log was read,
 * in one transaction. Done again, it changes nothing. What is kept is to be sent next: `onChanged` is told before the commit,
 * of which nobody may hear.
 * @throws FENCED when another process owns one of the partitions by now: then nothing is kept.
 */
export async function keepBars(
  database: Database,
  tails: Tails,
  owned: readonly OwnedPartition[],
  bars: readonly ClosedBar[],
  onChanged: () => void,
): Promise<SaidCounts> {
  const counts = await database.transaction(async (tx) => {
    await moveOffsets(tx, streamGroup, owned);
    const changed = await keepCandles(tx, bars);
    if (changed.length > 0) onChanged();
    const evaluation = await tails.evaluate(saidBars(changed));
    await keepIndicators(tx, evaluation, changed);
    const signals = await keepSignals(tx, evaluation, changed);
    await tx.query('update stream.counts set candles = candles + $1, signals = signals + $2', [
      changed.length,
      signals,
    ]);
    return {
      candles: changed.length,
      revisions: changed.filter(({ revision }) => revision > 1).length,
      signals,
    };
  });
  return counts;
}

async function keepCandles(tx: Transaction, bars: readonly ClosedBar[]): Promise<Change[]> {
  if (bars.length === 0) return [];
  return (await tx.query<Change>(keepCandlesSql, [bars.map(({ record }) => record)])).rows;
}

/** Markets and intervals of bars that changed, with the earliest of these. */
function saidBars(changed: readonly Change[]): SaidBars[] {
  return [...Map.groupBy(changed, keyOf).values()].flatMap((bars) => {
    const [first] = bars;
    if (first === undefined) return [];
    const { source, symbol, interval } = first;
    return [{ source, symbol, interval, fromUs: Math.min(...bars.map((bar) => bar.open_us)) }];
  });
}

async function keepIndicators(
  tx: Transaction,
  { indicators }: Evaluation,
  changed: readonly Change[],
): Promise<void> {
  if (indicators.length === 0) return;
  const revisions = revisionsOf(changed);
  const records = indicators.map(({ record, ...bar }) =>
    withRevision(record, revisions.get(barOf(bar)) ?? 1),
  );
  await tx.query(keepIndicatorsSql, [records]);
}

async function keepSignals(
  tx: Transaction,
  { signals }: Evaluation,
  changed: readonly Change[],
): Promise<number> {
  const revised = changed.filter(({ revision }) => revision > 1);
  if (revised.length > 0) {
    await tx.query(supersedeSql, [
      ...[revised.map(({ source }) => source), revised.map(({ symbol }) => symbol)],
      ...[revised.map(({ interval }) => interval), revised.map((bar) => bar.open_us)],
    ]);
  }
  if (signals.length === 0) return 0;
  const revisions = revisionsOf(changed);
  const records = signals.map(({ record, ...bar }) => withRevision(record, revisions.get(barOf(bar)) ?? 1));
  const { rowCount } = await tx.query(keepSignalsSql, [`[${records.join(',')}]`]);
  return rowCount ?? 0;
}

function revisionsOf(changed: readonly Change[]): Map<string, number> {
  return new Map(changed.map((bar) => [barOf({ ...bar, openUs: bar.open_us }), bar.revision]));
}

/** A record as the topics carry it. */
export function withRevision(record: string, revision: number): string {
  return `${record.slice(0, -1)},"revision":${revision}}`;
}

function keyOf({ source, symbol, interval }: Pick<Change, 'source' | 'symbol' | 'interval'>): string {
  return `${source} ${symbol} ${interval}`;
}

function barOf(bar: { source: string; symbol: string; interval: string; openUs: number }): string {
  return `${keyOf(bar)} ${bar.openUs}`;
}
