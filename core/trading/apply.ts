import { add, subtract, zero } from '#core/market/decimal.ts';
import { afterProfit, dateOf, noDay, openedDay } from './day.ts';
import type { NumberedEvent } from './event.ts';
import { afterBuy, afterRemoval, afterSale, emptyHolding, pairOf } from './holdings.ts';
import { boughtBy, entriesOf, proceedsOf, type Entry } from './ledger.ts';
import { defaultLimits } from './limits.ts';
import { withOrder } from './open-orders.ts';
import { afterOrder, noOrders } from './order-rate.ts';
import type { Balance, Holding, Portfolio, RiskLimits } from './portfolio.ts';

/** A portfolio before its first event. */
export function emptyPortfolio(id: string, limits: RiskLimits = defaultLimits): Portfolio {
  return {
    id,
    number: 0,
    risk: 'active',
    limits,
    balances: new Map(),
    holdings: new Map(),
    orders: new Map(),
    orderRate: noOrders,
    day: noDay,
  };
}

/**
 * The portfolio after an event, which is the next by its number. Pure: the one before stays as it was.
 * @throws RangeError where the event is not the next, or would make a balance negative
 */
export function apply(portfolio: Portfolio, event: NumberedEvent): Portfolio {
  if (event.number !== portfolio.number + 1)
    throw new RangeError(`event ${event.number} does not follow event ${portfolio.number}`);
  const after: Portfolio = {
    ...portfolio,
    number: event.number,
    balances: afterEntries(portfolio.balances, entriesOf(event)),
  };
  switch (event.type) {
    case 'portfolio_opened':
      after.limits = event.limits;
      if (event.venue !== undefined) after.venue = event.venue;
      return after;
    case 'limits_set':
      after.limits = event.limits;
      return after;
    case 'venue_differs':
    case 'deposited':
    case 'order_rejected':
      return after;
    case 'withdrawn':
      after.holdings = covered(after, event.asset);
      return after;
    case 'order_accepted':
      after.orders = withOrder(portfolio.orders, event.order);
      after.orderRate = afterOrder(portfolio.orderRate, event.atUs);
      return after;
    case 'order_sent':
    case 'order_refused':
    case 'order_cancel_requested':
    case 'order_activated':
    case 'order_triggered':
    case 'order_amended':
    case 'order_canceled':
    case 'order_expired':
      after.orders = withOrder(portfolio.orders, event.order);
      return after;
    case 'order_filled':
      after.orders = withOrder(portfolio.orders, event.order);
      return afterFill(after, event);
    case 'cancel_after_set':
      if (event.untilUs === null) delete after.cancelAfterUs;
      else after.cancelAfterUs = event.untilUs;
      return after;
    case 'risk_set':
      after.risk = event.risk;
      return after;
    case 'day_opened':
      after.day = openedDay(portfolio.day, event.date, event.unrealized);
      return after;
  }
}

const none: Balance = { available: zero, held: zero };

function afterEntries(
  balances: ReadonlyMap<string, Balance>,
  entries: readonly Entry[],
): ReadonlyMap<string, Balance> {
  if (entries.length === 0) return balances;
  const after = new Map(balances);
  for (const { asset, account, amount } of entries) {
    if (account !== 'available' && account !== 'held') continue;
    const { available, held } = after.get(asset) ?? none;
    const balance =
      account === 'available'
        ? { available: add(available, amount), held }
        : { available, held: add(held, amount) };
    after.set(asset, balance);
  }
  for (const { asset } of entries) {
    const balance = after.get(asset) ?? none;
    if (balance.available < zero || balance.held < zero)
      throw new RangeError(`the event would make the balance of ${asset} negative`);
  }
  return after;
}

function afterFill(after: Portfolio, event: Extract<NumberedEvent, { type: 'order_filled' }>): Portfolio {
  const { order, fill } = event;
  const pair = pairOf(order);
  const holding = after.holdings.get(pair) ?? emptyHolding(order.base, order.quote);
  if (order.side === 'buy') {
    const { quantity, cost } = boughtBy(order, fill);
    after.holdings = withHolding(after.holdings, afterBuy(holding, event.number, quantity, cost));
    after.holdings = covered(after, order.quote);
  } else {
    const sale = afterSale(holding, fill.quantity, proceedsOf(order, fill));
    after.holdings = withHolding(after.holdings, sale.holding);
    after.holdings = covered(after, order.base);
  }
  if (fill.feeAsset !== undefined) after.holdings = covered(after, fill.feeAsset);
  after.day = afterProfit(after.day, dateOf(fill.marketTimeUs), order.quote, event.realizedAverage);
  return after;
}

function withHolding(holdings: ReadonlyMap<string, Holding>, holding: Holding): ReadonlyMap<string, Holding> {
  return new Map(holdings).set(pairOf(holding), holding);
}

/** Holdings of an asset after some of it left: no more than what there is of it. */
function covered(portfolio: Portfolio, asset: string): ReadonlyMap<string, Holding> {
  const { available, held } = portfolio.balances.get(asset) ?? none;
  let left = add(available, held);
  let { holdings } = portfolio;
  const ofAsset = [...portfolio.holdings.values()].filter((holding) => holding.base === asset);
  for (const holding of ofAsset.sort(byQuote)) {
    if (holding.quantity > left)
      holdings = withHolding(holdings, afterRemoval(holding, subtract(holding.quantity, left)));
    left = holding.quantity > left ? zero : subtract(left, holding.quantity);
  }
  return holdings;
}

function byQuote(a: Holding, b: Holding): number {
  return a.quote < b.quote ? -1 : 1;
}
