import { useMemo } from 'react';
import type { LiveStore } from './live-store.ts';
import { useLive } from './observed.ts';
import type { PriceOf } from './worth.ts';

/** Newest prices of some assets in one, drawn again when one of them changes. */
export function usePrices(live: LiveStore, assets: readonly string[], quote: string): PriceOf {
  const prices = useLive(live, () => assets.map((asset) => live.market(asset + quote)?.price ?? '').join());
  return useMemo(() => {
    const known = new Map(prices.split(',').map((price, index) => [assets[index], price]));
    return (asset, of) => (of === quote ? known.get(asset) || undefined : undefined);
  }, [prices, assets, quote]);
}
