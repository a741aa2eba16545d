import { createHash } from 'node:crypto';
import { klinesPerAnswer } from '#core/exchanges/history.ts';
import { symbolOf } from '#core/lake/ledger.ts';
import { candles, klines, tableId } from '#core/lake/tables.ts';
import { intervalUs, isInterval, type Interval } from '#core/market/interval.ts';
import type { Database } from '#core/platform/postgres/database.ts';

export interface BarFilter {
  symbols?: readonly string[] | undefined;
  intervals?: readonly Interval[] | undefined;
  /** Open times, microseconds, half-open. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

/** A span of one market's bars, few enough for one answer of REST. */
export interface SampleWindow {
  symbol: string;
  interval: Interval;
  fromUs: number;
  toUs: number;
}

/** Months (`2024-08`) and intervals of which both candles and bars of the exchange are held: what can be compared. */
export async function comparableMonths(
  database: Database,
  { symbols, intervals, fromUs, toUs }: BarFilter,
): Promise<{ interval: Interval; month: string }[]> {
  const { rows } = await database.query<{ interval: string; month: string }>(
    `select distinct c."interval", to_char(began, 'YYYY-MM') as month
       from lake.coverage c
       join lake.coverage k on k.table_name = $2 and k.source = c.source and k.listing = c.listing
        and k."interval" = c."interval" and k.lo < c.hi and k.hi > c.lo
      cross join lateral generate_series(
        date_trunc('month', to_timestamp(greatest(c.lo, k.lo, $5) / 1e6) at time zone 'UTC'),
        to_timestamp((least(c.hi, k.hi, $6) - 1) / 1e6) at time zone 'UTC', '1 month') as began
      where c.table_name = $1 and ($3::text[] is null or regexp_replace(c.listing, '#[0-9]+$', '') = any($3))
        and ($4::text[] is null or c."interval" = any($4))
      order by month, c."interval"`,
    [
      ...[tableId(candles), tableId(klines), symbols ?? null, intervals ?? null],
      ...[fromUs ?? 0, toUs ?? Number.MAX_SAFE_INTEGER],
    ],
  );
  return rows.flatMap(({ interval, month }) => (isInterval(interval) ? [{ interval, month }] : []));
}

/**
 * Spans of held bars to ask REST about: the newest of as many markets as half of them, and others at random, the same for
 * the same seed and ledger.
 */
export async function sampleWindows(
  database: Database,
  source: string,
  { symbols, intervals, fromUs = 0, toUs = Number.MAX_SAFE_INTEGER }: BarFilter,
  { count, seed }: { count: number; seed: string },
): Promise<SampleWindow[]> {
  const { rows } = await database.query<{ listing: string; interval: string; lo: number; hi: number }>(
    `select distinct listing, "interval", greatest(lo, $5) as lo, least(hi, $6) as hi from lake.coverage
      where table_name = any($1) and source = $2 and lo < $6 and hi > $5
        and ($3::text[] is null or regexp_replace(listing, '#[0-9]+$', '') = any($3))
        and ($4::text[] is null or "interval" = any($4))
      order by hi desc, listing, "interval"`,
    [[tableId(klines), tableId(candles)], source, symbols ?? null, intervals ?? null, fromUs, toUs],
  );
  const held = rows.flatMap(({ listing, interval, lo, hi }) =>
    isInterval(interval) ? [{ symbol: symbolOf(listing), interval, lo, hi }] : [],
  );
  const newest = held.slice(0, Math.ceil(count / 2)).map((range) => windowAt(range, range.hi));
  const random = Array.from({ length: count - newest.length }, (_, i) => {
    const range = held[Math.floor(chance(seed, i, 'range') * held.length)];
    return range === undefined
      ? []
      : [windowAt(range, range.lo + chance(seed, i, 'end') * (range.hi - range.lo))];
  });
  return distinct([...newest, ...random.flat()]);
}

interface HeldBars {
  symbol: string;
  interval: Interval;
  lo: number;
  hi: number;
}

/** The bars before an instant, as far as they are held and fit. */
function windowAt({ symbol, interval, lo, hi }: HeldBars, beforeUs: number): SampleWindow {
  const lengthUs = intervalUs(interval);
  const toUs = Math.min(hi, Math.max(lo + lengthUs, Math.ceil(beforeUs / lengthUs) * lengthUs));
  return { symbol, interval, fromUs: Math.max(lo, toUs - klinesPerAnswer * lengthUs), toUs };
}

/** A number in [0, 1) that follows from the seed alone. */
function chance(...seed: readonly (string | number)[]): number {
  return createHash('sha256').update(seed.join('/')).digest().readUInt32BE() / 2 ** 32;
}

function distinct(windows: readonly SampleWindow[]): SampleWindow[] {
  return [...new Map(windows.map((window) => [JSON.stringify(window), window])).values()];
}
