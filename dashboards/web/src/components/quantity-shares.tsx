import type { MarketRules } from '#api/client/index.ts';
import type { Entry } from '../orders/entry.ts';
import { quantityFor } from '../orders/sums.ts';

export interface QuantitySharesProps {
  entry: Entry;
  means: {
    available: string;
    rules: MarketRules | undefined;
    priceCollar: string | undefined;
    lastPrice: () => string;
  };
  onTake: (quantity: string) => void;
}

const percents = [25, 50, 75, 100];

/** Fills in the quantity that a share of what is available is enough for. */
export function QuantityShares({ entry, means, onTake }: QuantitySharesProps) {
  const { available, rules, priceCollar, lastPrice } = means;
  const take = (percent: number): void => {
    if (rules === undefined) return;
    const known = { available, rules, priceCollar: priceCollar ?? '0', last: lastPrice() };
    const quantity = quantityFor(percent, entry, known);
    if (quantity !== undefined) onTake(quantity);
  };
  return (
    <div role="group" aria-label="Share of what is available" className="flex gap-1.5">
      {percents.map((percent) => (
        <button
          key={percent}
          type="button"
          disabled={rules === undefined}
          onClick={() => take(percent)}
          className="figure flex-1 rounded-md border border-line py-1 text-xs text-soft hover:border-soft hover:text-ink"
        >
          {percent} %
        </button>
      ))}
    </div>
  );
}
