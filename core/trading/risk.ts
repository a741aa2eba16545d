import { decimalText, multiply, add, subtract, units, zero, type Decimal } from '#core/market/decimal.ts';
import { ordersInMinute } from './order-rate.ts';
import type { MarketView, Surroundings } from './command.ts';
import type { RiskDecision } from './event.ts';
import { realizedLoss } from './loss.ts';
import { openBuys } from './open-orders.ts';
import type { OrderRequest } from './order.ts';
import type { Portfolio, RiskState } from './portfolio.ts';
import { fault, type Fault } from './rules.ts';

const strictness: Record<RiskState, number> = { active: 0, reducing: 1, halted: 2 };

export function stricter(a: RiskState, b: RiskState): RiskState {
  return strictness[a] > strictness[b] ? a : b;
}

/** The figures an order is decided on. The position is all there is of the base, the purchases that rest, and this one. */
export function riskFigures(
  portfolio: Portfolio,
  request: OrderRequest,
  around: Surroundings,
  atUs: number,
): RiskDecision {
  const decision: RiskDecision = {
    portfolioRisk: portfolio.risk,
    globalRisk: around.globalRisk,
    openOrders: portfolio.orders.size,
    ordersInMinute: ordersInMinute(portfolio.orderRate, atUs),
  };
  const { market } = around;
  if (market === undefined) return decision;
  decision.dailyLoss = realizedLoss(portfolio, market.rules.quote);
  const { last } = market;
  if (last === undefined) return decision;
  decision.lastPrice = last.price;
  decision.priceAgeMs = priceAgeMs(market);
  decision.notional = storable(multiply(request.quantity, priceFor(request, last.price), 'up'));
  const position = positionAfter(portfolio, request, market);
  decision.positionNotional = storable(multiply(position, last.price, 'up'));
  return decision;
}

/** What an order is reckoned by: its limit, else what triggers it, else the last price. */
export function priceFor(request: OrderRequest, last: Decimal): Decimal {
  return request.price ?? request.stopPrice ?? last;
}

/** Are there fresh prices, and is the order's within the collar around them? */
export function priceFault(
  portfolio: Portfolio,
  request: OrderRequest,
  market: MarketView,
): Fault | undefined {
  const { priceCollar, staleAfterMs } = portfolio.limits;
  const { last } = market;
  if (last === undefined)
    return fault('MARKET_DATA_STALE', `There is no price of ${request.symbol} yet; try again when there is.`);
  const ageMs = priceAgeMs(market);
  if (ageMs > staleAfterMs)
    return fault(
      'MARKET_DATA_STALE',
      `The newest price is ${ageMs} ms old, the limit is ${staleAfterMs} ms; try again when the feed is back.`,
    );
  const room = multiply(last.price, priceCollar, 'down');
  for (const price of [request.price, request.stopPrice]) {
    if (price === undefined || (price <= add(last.price, room) && price >= subtract(last.price, room)))
      continue;
    return fault(
      'PRICE_OUTSIDE_COLLAR',
      `${decimalText(price)} is further than ${decimalText(room)} from the last price ${decimalText(last.price)}; ask for one nearer to it.`,
    );
  }
  return undefined;
}

/** Is the portfolio, or everything, halted? */
export function haltFault({ portfolioRisk, globalRisk }: RiskDecision): Fault | undefined {
  if (stricter(portfolioRisk, globalRisk) !== 'halted') return undefined;
  const whose = globalRisk === 'halted' ? 'All trading' : 'The portfolio';
  return fault('HALTED', `${whose} is halted; wait until it is set active again.`);
}

/** Which limit a placement would pass. A sale only makes a position smaller, as nothing is sold that is not there. */
export function limitFault(
  portfolio: Portfolio,
  request: OrderRequest,
  figures: RiskDecision,
): Fault | undefined {
  return (
    (request.side === 'buy' ? growthFault(portfolio, figures) : undefined) ?? sizeFault(portfolio, figures)
  );
}

/** How many orders may be open and be placed in a minute. */
export function countFault({ limits }: Portfolio, figures: RiskDecision): Fault | undefined {
  if (figures.openOrders >= limits.openOrdersMax)
    return fault(
      'OPEN_ORDERS_LIMIT',
      `${figures.openOrders} orders are open, ${limits.openOrdersMax} may be; cancel one first.`,
    );
  if (figures.ordersInMinute >= limits.ordersPerMinuteMax)
    return fault(
      'ORDER_RATE_LIMIT',
      `${figures.ordersInMinute} orders in a minute, ${limits.ordersPerMinuteMax} may be; wait a moment.`,
    );
  return undefined;
}

function growthFault({ limits }: Portfolio, figures: RiskDecision): Fault | undefined {
  if (stricter(figures.portfolioRisk, figures.globalRisk) !== 'active')
    return fault(
      'ONLY_REDUCING',
      'Only orders that make a position smaller are taken at present; sell, or wait.',
    );
  const { dailyLoss, positionNotional } = figures;
  if (dailyLoss !== undefined && dailyLoss > limits.dailyLossMax)
    return fault(
      'DAILY_LOSS_LIMIT',
      `${decimalText(dailyLoss)} were lost today, ${decimalText(limits.dailyLossMax)} may be; sell, or wait for tomorrow.`,
    );
  if (positionNotional !== undefined && positionNotional > limits.positionNotionalMax)
    return fault(
      'POSITION_LIMIT',
      `The position would be worth ${decimalText(positionNotional)}, ${decimalText(limits.positionNotionalMax)} may be; buy less.`,
    );
  return undefined;
}

function sizeFault({ limits }: Portfolio, { notional }: RiskDecision): Fault | undefined {
  if (notional === undefined || notional <= limits.orderNotionalMax) return undefined;
  return fault(
    'NOTIONAL_LIMIT',
    `The order is worth ${decimalText(notional)}, ${decimalText(limits.orderNotionalMax)} may be; make it smaller.`,
  );
}

function positionAfter(portfolio: Portfolio, request: OrderRequest, { rules }: MarketView): Decimal {
  const { available, held } = portfolio.balances.get(rules.base) ?? { available: zero, held: zero };
  const position = add(add(available, held), openBuys(portfolio.orders, request));
  return request.side === 'buy' ? add(position, request.quantity) : position;
}

function priceAgeMs({ timeUs, last }: MarketView): number {
  return last === undefined ? Infinity : Math.max(0, Math.floor((timeUs - last.timeUs) / 1000));
}

/** Figures beyond what a decimal column holds stand as the largest it does. */
function storable(value: Decimal): Decimal {
  return value < largest ? value : largest;
}

const largest = units(10n ** 38n - 1n);
