import { add, decimalText, subtract, units, zero, type Decimal } from '#core/market/decimal.ts';
import { dateOf } from './day.ts';
import type { Command } from './command.ts';
import { decided, followed, type Decided } from './decision.ts';
import { pairOf, unrealized } from './holdings.ts';
import type { Portfolio } from './portfolio.ts';

/** Opens the market's day where these are its first prices, and sets `reducing` where too much is lost in it. */
export function markPrices(
  portfolio: Portfolio,
  { prices, marketTimeUs, atUs }: Extract<Command, { kind: 'mark_prices' }>,
): Decided {
  const date = dateOf(marketTimeUs);
  const { day } = portfolio;
  const isOpen = date < day.date || (date === day.date && day.opening !== undefined);
  let marked = decided(portfolio, atUs);
  if (!isOpen)
    marked = followed(marked, atUs, { type: 'day_opened', date, unrealized: opening(portfolio, prices) });
  for (const [quote, lost] of dailyLosses(marked.portfolio, prices))
    marked = reducedByLoss(marked, lost, quote, atUs);
  return marked;
}

/** With the portfolio set to `reducing` where a day's loss is beyond its limit. */
export function reducedByLoss(before: Decided, lost: Decimal, quote: string, atUs: number): Decided {
  const { risk, limits } = before.portfolio;
  if (risk !== 'active' || lost <= limits.dailyLossMax) return before;
  const reason = `${decimalText(lost)} ${quote} lost today, ${decimalText(limits.dailyLossMax)} may be`;
  return followed(before, atUs, { type: 'risk_set', risk: 'reducing', by: 'daily_loss', reason });
}

/** Quote lost by the sales of the market's day; 0 in gain. */
export function realizedLoss(portfolio: Portfolio, quote: string): Decimal {
  return loss(portfolio.day.realized.get(quote) ?? zero);
}

/**
 * Loss in each quote asset since the market's day began: what was realised, and what holdings moved against where they
 * stood as the day was opened. A pair without a price counts as unmoved.
 */
export function dailyLosses(
  portfolio: Portfolio,
  prices: ReadonlyMap<string, Decimal>,
): Map<string, Decimal> {
  const gains = new Map(portfolio.day.realized);
  for (const holding of portfolio.holdings.values()) {
    const pair = pairOf(holding);
    const price = prices.get(pair);
    if (price === undefined && holding.quantity > zero) continue;
    const opening = portfolio.day.opening?.get(pair) ?? zero;
    const moved = subtract(unrealized(holding, price ?? zero), opening);
    gains.set(holding.quote, add(gains.get(holding.quote) ?? zero, moved));
  }
  return new Map([...gains].map(([quote, gain]) => [quote, loss(gain)]));
}

function opening(portfolio: Portfolio, prices: ReadonlyMap<string, Decimal>) {
  const known: { pair: string; amount: Decimal }[] = [];
  for (const [pair, holding] of portfolio.holdings) {
    const price = prices.get(pair);
    if (price !== undefined && holding.quantity > zero)
      known.push({ pair, amount: unrealized(holding, price) });
  }
  return known.sort((a, b) => (a.pair < b.pair ? -1 : 1));
}

function loss(gain: Decimal): Decimal {
  return gain < zero ? units(-gain) : zero;
}
