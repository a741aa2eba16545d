import { createHash } from 'node:crypto';
import { parseDecimal, zero, type Decimal } from '#core/market/decimal.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { canonicalText } from '#core/trading/codec.ts';
import type { OrderRequest } from '#core/trading/order.ts';
import type { RiskLimits } from '#core/trading/portfolio.ts';
import type { NewOrder } from '../schemas/orders.ts';
import type { SomeLimits } from '../schemas/trading.ts';

/** The order that a body asks for, with the defaults applied. @throws BAD_REQUEST */
export function orderRequest(body: NewOrder, defaultSource: string): OrderRequest {
  const { symbol, side, type, price, stopPrice, clientOrderId } = body;
  return {
    ...{ source: body.source ?? defaultSource, symbol, side, type },
    quantity: positive(body.quantity, 'quantity'),
    ...(price === undefined ? {} : { price: positive(price, 'price') }),
    ...(stopPrice === undefined ? {} : { stopPrice: positive(stopPrice, 'stopPrice') }),
    timeInForce: body.timeInForce ?? 'GTC',
    postOnly: body.postOnly ?? false,
    ...(clientOrderId === undefined ? {} : { clientOrderId }),
  };
}

/** Limits with those changed that are named. @throws BAD_REQUEST */
export function changedLimits(limits: RiskLimits, changes: SomeLimits): RiskLimits {
  const { positionNotionalMax, orderNotionalMax, priceCollar, dailyLossMax, ...counts } = changes;
  const amounts = { positionNotionalMax, orderNotionalMax, priceCollar, dailyLossMax };
  const named = Object.entries(amounts).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, amount(text, name)]],
  );
  return { ...limits, ...counts, ...(Object.fromEntries(named) as Partial<RiskLimits>) };
}

/** @throws BAD_REQUEST for what is no decimal, or not above 0 */
export function positive(text: string, name: string): Decimal {
  const value = amount(text, name);
  if (value > zero) return value;
  throw new TicklakeError('BAD_REQUEST', `${name} is not above 0`, { remedy: 'Send an amount above 0.' });
}

function amount(text: string, name: string): Decimal {
  try {
    return parseDecimal(text);
  } catch (error) {
    throw new TicklakeError('BAD_REQUEST', `${name}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Send decimal text such as "0.25", with 18 places at most.',
    });
  }
}

/** What a request is known by when it is asked again; the hash is over what is asked, defaults applied. */
export interface Once {
  key?: string;
  clientOrderId?: string;
  bodyHash: string;
}

export function once(headers: Record<string, unknown>, kind: string, asked: object): Once {
  const key = headers['idempotency-key'];
  return {
    ...(typeof key === 'string' ? { key } : {}),
    ...('clientOrderId' in asked && typeof asked.clientOrderId === 'string'
      ? { clientOrderId: asked.clientOrderId }
      : {}),
    bodyHash: createHash('sha256')
      .update(canonicalText({ kind, ...asked }))
      .digest('base64url'),
  };
}
