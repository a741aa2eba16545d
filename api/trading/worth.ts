import { add, decimalText, divide, multiply, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import type * as schemas from '../schemas/portfolios.ts';
import type { Money } from './money.ts';
import { optionalText } from './shown.ts';

/** The last price of one asset in another; undefined where none is known. */
export type PriceOf = (base: string, quote: string) => Decimal | undefined;

type Holding = Money['holdings'][number];
type Worth = Pick<schemas.Portfolio, 'balances' | 'holdings' | 'value'>;

/** A portfolio's money, at last prices. */
export function worthOf(portfolio: Money, valuedIn: string, priceOf: PriceOf): Worth {
  const holdings = portfolio.holdings.map((holding) => ({
    holding,
    price: priceOf(holding.base, holding.quote),
  }));
  const balances = [...portfolio.balances].map(([asset, { available, held }]) => ({
    ...{ asset, available, held },
    total: add(available, held),
  }));
  const priced = balances.map(({ asset, total }) => ({
    asset,
    worth: worthIn(valuedIn, { asset, total, price: priceOf(asset, valuedIn) }),
  }));
  const ofAsset = holdings.filter(({ holding }) => holding.quote === valuedIn);
  return {
    balances: balances.sort(byAsset).map(({ asset, total, available, held }) => ({
      asset,
      total: decimalText(total),
      available: decimalText(available),
      held: decimalText(held),
    })),
    holdings: holdings.map(({ holding, price }) => shownHolding(holding, price)).sort(byAsset),
    value: {
      asset: valuedIn,
      total: decimalText(priced.map(({ worth }) => worth ?? zero).reduce(add, zero)),
      unrealizedProfit: decimalText(
        ofAsset.map(({ holding, price }) => unrealized(holding, price) ?? zero).reduce(add, zero),
      ),
      realizedProfit: decimalText(ofAsset.map(({ holding }) => holding.realizedAverage).reduce(add, zero)),
      unpriced: priced.filter(({ worth }) => worth === undefined).map(({ asset }) => asset),
    },
  };
}

function worthIn(
  valuedIn: string,
  { asset, total, price }: { asset: string; total: Decimal; price: Decimal | undefined },
): Decimal | undefined {
  if (asset === valuedIn || total === zero) return total;
  return price === undefined ? undefined : multiply(total, price, 'down');
}

function shownHolding(holding: Holding, price: Decimal | undefined): Worth['holdings'][number] {
  const { quantity, cost } = holding;
  return {
    asset: holding.base,
    quote: holding.quote,
    quantity: decimalText(quantity),
    costBasis: decimalText(cost),
    averageCost: decimalText(quantity === zero ? zero : divide(cost, quantity, 'half-even')),
    lastPrice: optionalText(price),
    marketValue: optionalText(price && multiply(quantity, price, 'down')),
    unrealizedProfit: optionalText(unrealized(holding, price)),
    realizedProfit: decimalText(holding.realizedAverage),
    realizedProfitFifo: decimalText(holding.realizedFifo),
  };
}

function unrealized({ quantity, cost }: Holding, price: Decimal | undefined): Decimal | undefined {
  return price === undefined ? undefined : subtract(multiply(quantity, price, 'down'), cost);
}

function byAsset(a: { asset: string }, b: { asset: string }): number {
  return a.asset < b.asset ? -1 : 1;
}
