import {
  add,
  decimalText,
  divide,
  multiply,
  parseDecimal,
  subtract,
  zero,
  type Decimal,
  type Portfolio,
  type StreamBalance,
  type Transaction,
} from '#api/client/index.ts';

type Holding = Portfolio['holdings'][number];

/** The newest price of an asset in another, as decimal text. */
export type PriceOf = (asset: string, quote: string) => string | undefined;

export interface LiveHolding extends Pick<
  Holding,
  'asset' | 'quote' | 'quantity' | 'averageCost' | 'realizedProfit'
> {
  price: string | undefined;
  value: string | undefined;
  profit: string | undefined;
  /** The profit as a share of the cost; a statistic, not money. */
  percent: number | undefined;
}

export interface LiveWorth {
  asset: string;
  total: string;
  unrealized: string;
  realized: string;
  /** Balances without a price, which do not count. */
  unpriced: readonly string[];
}

/** What is held, at newest prices; what was sold out is left out. */
export function liveHoldings({ holdings }: Portfolio, priceOf: PriceOf): LiveHolding[] {
  return holdings
    .filter(({ quantity }) => parseDecimal(quantity) > zero)
    .map(({ asset, quote, quantity, costBasis, averageCost, realizedProfit, lastPrice }) => {
      const price = priceOf(asset, quote) ?? lastPrice ?? undefined;
      const known = { asset, quote, quantity, averageCost, realizedProfit, price };
      if (price === undefined) return { ...known, value: undefined, profit: undefined, percent: undefined };
      const cost = parseDecimal(costBasis);
      const value = multiply(parseDecimal(quantity), parseDecimal(price), 'down');
      const profit = subtract(value, cost);
      return {
        ...known,
        value: decimalText(value),
        profit: decimalText(profit),
        percent: cost > zero ? Number(decimalText(divide(profit, cost, 'half-even'))) * 100 : undefined,
      };
    });
}

/** What it all is worth in the asset that the portfolio is valued in. */
export function liveWorth(
  portfolio: Portfolio,
  balances: readonly StreamBalance[],
  priceOf: PriceOf,
): LiveWorth {
  const { asset: quote, realizedProfit } = portfolio.value;
  const worths = balances.map(({ asset, total }) => ({
    asset,
    worth: worthIn(quote, asset, total, priceOf),
  }));
  const profits = liveHoldings(portfolio, priceOf)
    .filter((holding) => holding.quote === quote)
    .map(({ profit }) => (profit === undefined ? zero : parseDecimal(profit)));
  return {
    asset: quote,
    total: decimalText(sum(worths.map(({ worth }) => worth ?? zero))),
    unrealized: decimalText(sum(profits)),
    realized: realizedProfit,
    unpriced: worths.filter(({ worth }) => worth === undefined).map(({ asset }) => asset),
  };
}

/** What a transaction moved of each asset, as the portfolio sees it: less than 0 what left it. */
export function movedOf(entries: Transaction['entries']): { asset: string; sum: string }[] {
  const own = entries.filter(({ account }) => account === 'available' || account === 'held');
  const assets = [...new Set(own.map(({ asset }) => asset))];
  return assets.map((asset) => {
    const amounts = own.filter((entry) => entry.asset === asset).map((entry) => parseDecimal(entry.amount));
    return { asset, sum: decimalText(sum(amounts)) };
  });
}

function worthIn(quote: string, asset: string, total: string, priceOf: PriceOf): Decimal | undefined {
  const quantity = parseDecimal(total);
  if (asset === quote || quantity === zero) return quantity;
  const price = priceOf(asset, quote);
  return price === undefined ? undefined : multiply(quantity, parseDecimal(price), 'down');
}

function sum(values: readonly Decimal[]): Decimal {
  return values.reduce(add, zero);
}
