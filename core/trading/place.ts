import { add, decimalText, zero, type Decimal } from '#core/market/decimal.ts';
import type { Command, MarketView, Surroundings } from './command.ts';
import { decided, type Decision } from './decision.ts';
import type { RiskDecision } from './event.ts';
import { heldAsset } from './ledger.ts';
import type { LiveOrder, Order, OrderRequest } from './order.ts';
import type { Portfolio } from './portfolio.ts';
import { liveReservation, liveTerms, reservation } from './reserve.ts';
import { countFault, haltFault, limitFault, priceFault, priceFor, riskFigures } from './risk.ts';
import { fault, minNotionalFault, rulesFault, type Fault } from './rules.ts';

/** An order is accepted with its reservation, or rejected with a reason; both are answers that are kept. */
export function placeOrder(
  portfolio: Portfolio,
  { orderId, request, atUs }: Extract<Command, { kind: 'place_order' }>,
  around: Surroundings,
): Decision {
  const decision = riskFigures(portfolio, request, around, atUs);
  const outcome =
    haltFault(decision) ?? countFault(portfolio, decision) ?? reserved(portfolio, request, around, decision);
  if ('code' in outcome)
    return decided(portfolio, atUs, { type: 'order_rejected', orderId, request, ...outcome, decision });
  const { base, quote } = outcome.market.rules;
  const order: Order = {
    ...request,
    id: orderId,
    base,
    quote,
    status: request.stopPrice === undefined ? 'open' : 'pending',
    filledQuantity: zero,
    filledQuote: zero,
    fees: zero,
    held: outcome.held,
    placedAtUs: atUs,
    activeAfterTradeId: -1,
    queueAhead: zero,
    ...(outcome.live !== undefined && { live: outcome.live }),
  };
  return decided(portfolio, atUs, { type: 'order_accepted', order, decision });
}

/** What an order is to hold, or why it cannot be taken. `freed` is what it held before, of the same asset. */
export function reserved(
  portfolio: Portfolio,
  request: OrderRequest,
  { market, fees }: Surroundings,
  figures: RiskDecision,
  freed: Decimal = zero,
): { held: Decimal; market: MarketView; live?: LiveOrder } | Fault {
  if (portfolio.venue !== undefined && portfolio.venue !== request.source)
    return fault(
      'UNKNOWN_SYMBOL',
      `The portfolio trades at ${portfolio.venue} alone; place orders of its markets.`,
    );
  if (portfolio.venue !== undefined && request.postOnly && request.type !== 'limit')
    return fault('POST_ONLY_NOT_ALLOWED', 'The venue takes limit orders alone as post-only; leave it out.');
  if (market === undefined)
    return fault('UNKNOWN_SYMBOL', `${request.source} has no symbol ${request.symbol} that is known here.`);
  const early = rulesFault(request, market.rules) ?? priceFault(portfolio, request, market);
  if (early !== undefined) return early;
  const last = market.last?.price ?? zero;
  const late =
    minNotionalFault(request, priceFor(request, last), market.rules) ??
    sideFault(request, last) ??
    limitFault(portfolio, request, figures);
  if (late !== undefined) return late;
  const { priceCollar } = portfolio.limits;
  if (portfolio.venue !== undefined) {
    const live = liveTerms(request, market.rules, { last, priceCollar });
    const held = liveReservation(request, live);
    return fundsFault(portfolio, request, market, held, freed) ?? { held, market, live };
  }
  const held = reservation(request, { last, priceCollar, takerFee: fees.taker });
  return fundsFault(portfolio, request, market, held, freed) ?? { held, market };
}

/** Is a price on the side of the last one where its order has to wait? */
function sideFault(request: OrderRequest, last: Decimal): Fault | undefined {
  const { side, type, price, stopPrice, postOnly } = request;
  const is = decimalText(last);
  if (stopPrice !== undefined && (side === 'buy' ? stopPrice <= last : stopPrice >= last)) {
    const where = side === 'buy' ? 'above' : 'below';
    return fault('STOP_PRICE_REACHED', `The last price is ${is}; set a stopPrice ${where} it.`);
  }
  const wouldTake = price !== undefined && (side === 'buy' ? price >= last : price <= last);
  if (postOnly && type === 'limit' && wouldTake) {
    const where = side === 'buy' ? 'below' : 'above';
    return fault('POST_ONLY_WOULD_TAKE', `The last price is ${is}; set a price ${where} it, or take.`);
  }
  return undefined;
}

function fundsFault(
  portfolio: Portfolio,
  request: OrderRequest,
  { rules }: MarketView,
  held: Decimal,
  freed: Decimal,
): Fault | undefined {
  const asset = heldAsset({ side: request.side, base: rules.base, quote: rules.quote });
  const available = add(portfolio.balances.get(asset)?.available ?? zero, freed);
  if (available >= held) return undefined;
  return fault(
    'INSUFFICIENT_BALANCE',
    `The order needs ${decimalText(held)} ${asset}, ${decimalText(available)} are available; make it smaller, or deposit.`,
  );
}
