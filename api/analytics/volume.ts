import { add, decimalText, zero, type Decimal } from '#core/market/decimal.ts';
import { addSums, noSums, type MarketSums } from '#core/trading/analytics/sums.ts';
import { timeFromUs } from '../format.ts';
import { pageOf } from '../paging.ts';
import type { VolumeList } from '../schemas/analytics.ts';

type Item = VolumeList['items'][number];

/** A market in a bucket of time, both sides together. */
interface Row {
  key: string;
  sums: MarketSums;
  bought: Decimal;
  sold: Decimal;
}

/** What was traded, as clients see it: in the order of time, a page of it, and all of it together. */
export function shownVolume(
  sums: readonly MarketSums[],
  isBucketed: boolean,
  page: { cursor?: string; limit: number },
): VolumeList {
  const rows = new Map<string, Row>();
  for (const one of sums) {
    const key = `${String(one.bucketUs).padStart(20, '0')} ${one.source} ${one.symbol}`;
    const row = rows.get(key) ?? {
      ...{ key, bought: zero, sold: zero },
      sums: { ...one, ...noSums, quantity: zero },
    };
    rows.set(key, {
      key,
      sums: {
        ...row.sums,
        ...addSums(row.sums, one),
        quantity: add(row.sums.quantity, one.quantity),
      },
      bought: one.side === 'buy' ? add(row.bought, one.volume) : row.bought,
      sold: one.side === 'sell' ? add(row.sold, one.volume) : row.sold,
    });
  }
  const { items, nextCursor } = pageOf([...rows.values()], ({ key }) => key, page);
  return {
    totals: totalsOf(sums),
    items: items.map((row) => shownRow(row, isBucketed)),
    nextCursor,
  };
}

function totalsOf(sums: readonly MarketSums[]): VolumeList['totals'] {
  const byQuote = Map.groupBy(sums, ({ quote }) => quote);
  return [...byQuote]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([quote, some]) => {
      const { fills, volume, fees } = some.reduce(addSums, noSums);
      return { quote, fills, volume: decimalText(volume), fees: decimalText(fees) };
    });
}

function shownRow({ sums, bought, sold }: Row, isBucketed: boolean): Item {
  const { bucketUs, source, symbol, quote, fills } = sums;
  return {
    time: isBucketed ? timeFromUs(bucketUs) : null,
    ...{ source, symbol, quote, fills },
    quantity: decimalText(sums.quantity),
    volume: decimalText(sums.volume),
    fees: decimalText(sums.fees),
    buyVolume: decimalText(bought),
    sellVolume: decimalText(sold),
  };
}
