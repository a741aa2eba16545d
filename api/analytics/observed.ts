import { decimalText } from '#core/market/decimal.ts';
import { intervalUs, openTimeUs, type Interval } from '#core/market/interval.ts';
import type { Close, Closes } from '../price-history.ts';

/** Returns of assets over the same periods, a row each, and what they could not be told of. */
export interface Observed {
  assets: string[];
  returns: number[][];
  /** Of the first and the last close among them, by the venue's clock. */
  fromUs: number;
  toUs: number;
  leftOut: { asset: string; reason: string }[];
}

/** An asset of which more periods than this have no return is left out, so that the others keep theirs. */
const missingMax = 0.2;

/** When the periods up to a time begin and end, by the venue's clock. */
export function closeTimes(timeUs: number, interval: Interval, periods: number): number[] {
  const end = openTimeUs(timeUs, interval);
  return Array.from({ length: periods + 1 }, (_, i) => end - (periods - i) * intervalUs(interval));
}

/** Simple returns from close to close, only of bars that end just then, and of periods of which all assets have one. */
export function observedReturns(
  markets: ReadonlyMap<string, string>,
  timesUs: readonly number[],
  closes: Closes,
): Observed {
  const leftOut: Observed['leftOut'] = [];
  const rows = new Map<string, (number | undefined)[]>();
  for (const [asset, symbol] of markets) {
    const prices = timesUs.map((atUs) => priceAt(closes.get(symbol)?.get(atUs), atUs));
    const returns = prices.slice(1).map((price, i) => returnOf(prices[i], price));
    const known = returns.filter((value) => value !== undefined);
    if (known.length < returns.length * (1 - missingMax))
      leftOut.push({
        asset,
        reason: `${known.length} of ${returns.length} periods have a return in the lake`,
      });
    else if (known.every((value) => value === 0)) leftOut.push({ asset, reason: 'its price did not move' });
    else rows.set(asset, returns);
  }
  const assets = [...rows.keys()];
  const complete = timesUs.slice(1).flatMap((atUs, i) => {
    const row = assets.map((asset) => rows.get(asset)?.[i]).filter((value) => value !== undefined);
    return row.length === assets.length && row.length > 0 ? [{ atUs, fromUs: timesUs[i] ?? atUs, row }] : [];
  });
  return {
    ...{ assets, leftOut, returns: complete.map(({ row }) => row) },
    fromUs: complete[0]?.fromUs ?? 0,
    toUs: complete.at(-1)?.atUs ?? 0,
  };
}

function priceAt(close: Close | undefined, atUs: number): number | undefined {
  return close?.closedUs === atUs ? Number(decimalText(close.price)) : undefined;
}

function returnOf(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined || before <= 0 ? undefined : after / before - 1;
}
