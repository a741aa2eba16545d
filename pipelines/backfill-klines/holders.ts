import type { Database } from '#core/platform/postgres/database.ts';
import type { Interval } from '#core/market/interval.ts';
import { nameHolders, type NameHolder } from '#pipelines/discover-symbols/listing-at.ts';
import type { BarSpan } from './bars.ts';

export const endOfTimeUs = Number.MAX_SAFE_INTEGER;

/** Who had the names of markets, for bars of one interval each. */
export type BarHolder = NameHolder & { interval: Interval };

interface Market {
  symbol: string;
  interval: Interval;
}

/** Who had the names of these markets, over all time. */
export async function holdersOf(
  db: Pick<Database, 'query'>,
  source: string,
  markets: readonly Market[],
): Promise<BarHolder[]> {
  const holders: BarHolder[] = [];
  for (const [interval, of] of Map.groupBy(markets, (market) => market.interval)) {
    const symbols = [...new Set(of.map(({ symbol }) => symbol))];
    const found = await nameHolders(db, { source, symbols, interval });
    holders.push(...found.map((holder) => ({ ...holder, interval })));
  }
  return holders;
}

/** Their bars within a time. */
export function spansOf(
  holders: readonly BarHolder[],
  { fromUs, toUs }: { fromUs: number; toUs: number },
): BarSpan[] {
  return holders
    .map(({ symbol, listing, interval, ...life }) => ({
      ...{ symbol, listing, interval },
      ...{ lo: Math.max(life.fromUs, fromUs), hi: Math.min(life.toUs, toUs) },
    }))
    .filter(({ lo, hi }) => lo < hi);
}

/** A range of a market's bars, cut by whose they are. */
export function ofHolders<T extends { interval?: string; lo: number; hi: number }>(
  holders: readonly BarHolder[],
  symbol: string,
  range: T,
): (T & { listing: string })[] {
  return holders
    .filter((holder) => holder.symbol === symbol && holder.interval === range.interval)
    .map(({ listing, fromUs, toUs }) => ({
      ...{ ...range, listing, lo: Math.max(range.lo, fromUs), hi: Math.min(range.hi, toUs) },
    }))
    .filter(({ lo, hi }) => lo < hi);
}
