import { decimalText, isOnGrid, multiply, zero, type Decimal } from '#core/market/decimal.ts';
import type { OrderRequest, RejectCode, SymbolRules } from './order.ts';

/** Why an order cannot be taken, for machines and for people. */
export interface Fault {
  code: RejectCode;
  detail: string;
}

/** What is wrong with an order by itself and by the rules of its symbol; undefined where nothing is. */
export function rulesFault(request: OrderRequest, rules: SymbolRules): Fault | undefined {
  if (!rules.isTrading)
    return fault('SYMBOL_NOT_TRADING', `${rules.symbol} is not trading at present; try again when it is.`);
  return termsFault(request) ?? gridFault(request, rules);
}

/** What is wrong with the smallest notional; `price` is what the order is reckoned by. */
export function minNotionalFault(
  request: OrderRequest,
  price: Decimal,
  rules: SymbolRules,
): Fault | undefined {
  const notional = multiply(request.quantity, price, 'down');
  if (notional >= rules.minNotional) return undefined;
  const [is, least] = [decimalText(notional), decimalText(rules.minNotional)];
  return fault(
    'NOTIONAL_TOO_SMALL',
    `The order is worth ${is} ${rules.quote}; raise it to at least ${least}.`,
  );
}

export function fault(code: RejectCode, detail: string): Fault {
  return { code, detail };
}

/** Do the members fit the type? */
function termsFault({ type, price, stopPrice, timeInForce, postOnly }: OrderRequest): Fault | undefined {
  const hasLimit = type === 'limit' || type === 'stop_limit';
  const hasStop = type === 'stop_loss' || type === 'stop_limit';
  if (hasLimit && price === undefined) return fault('PRICE_REQUIRED', `A ${type} order needs a price.`);
  if (!hasLimit && price !== undefined)
    return fault('PRICE_NOT_ALLOWED', `A ${type} order has no price; leave it out.`);
  if (hasStop && stopPrice === undefined)
    return fault('STOP_PRICE_REQUIRED', `A ${type} order needs a stopPrice.`);
  if (!hasStop && stopPrice !== undefined)
    return fault('STOP_PRICE_NOT_ALLOWED', `A ${type} order has no stopPrice; leave it out.`);
  if (postOnly && !hasLimit)
    return fault(
      'POST_ONLY_NOT_ALLOWED',
      `A ${type} order always takes; only one with a price can be post-only.`,
    );
  if (postOnly && timeInForce !== 'GTC')
    return fault(
      'TIME_IN_FORCE_NOT_ALLOWED',
      `A post-only order rests, and ${timeInForce} does not; ask for GTC.`,
    );
  return undefined;
}

function gridFault(request: OrderRequest, rules: SymbolRules): Fault | undefined {
  const { quantity, price, stopPrice } = request;
  for (const asked of [price, stopPrice])
    if (asked !== undefined && !isOnPositiveGrid(asked, rules.tickSize))
      return fault(
        'PRICE_OFF_TICK',
        `${decimalText(asked)} is not a positive multiple of the tick ${decimalText(rules.tickSize)}.`,
      );
  if (!isOnPositiveGrid(quantity, rules.stepSize))
    return fault(
      'QUANTITY_OFF_STEP',
      `${decimalText(quantity)} is not a positive multiple of the step ${decimalText(rules.stepSize)}.`,
    );
  return undefined;
}

function isOnPositiveGrid(value: Decimal, step: Decimal): boolean {
  return value > zero && isOnGrid(value, step);
}
