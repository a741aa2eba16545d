import { createHash } from 'node:crypto';
import { parseDecimal, zero, type Decimal } from '#core/market/decimal.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { canonicalText } from '#core/trading/codec.ts';
import type { Once } from '#core/trading/once.ts';
import type { OrderRequest } from '#core/trading/order.ts';
import type { RiskLimits } from '#core/trading/portfolio.ts';
import type { NewOrder } from '../schemas/orders.ts';
import type { SomeLimits } from '../schemas/trading.ts';

/** The order that a body asks for, with the defaults applied. @throws BAD_REQUEST */
export function orderRequest(body: NewOrder, defaultSource: string): OrderRequest {
  const { symbol, side, type, clientOrderId } = body;
  return {
    ...{ source: body.source ?? defaultSource, symbol, side, type },
    ...amounts(body),
    quantity: positive(body.quantity, 'quantity'),
    timeInForce: body.timeInForce ?? 'GTC',
    postOnly: body.postOnly ?? false,
    ...(clientOrderId === undefined ? {} : { clientOrderId }),
  };
}

/** What an amendment names. @throws BAD_REQUEST */
export function amounts(body: {
  quantity?: string;
  price?: string;
  stopPrice?: string;
}): Partial<Record<'quantity' | 'price' | 'stopPrice', Decimal>> {
  const { quantity, price, stopPrice } = body;
  return {
    ...(quantity === undefined ? {} : { quantity: positive(quantity, 'quantity') }),
    ...(price === undefined ? {} : { price: positive(price, 'price') }),
    ...(stopPrice === undefined ? {} : { stopPrice: positive(stopPrice, 'stopPrice') }),
  };
}

/** By the wall clock, as commands have it. */
export function nowUs(): number {
  return Date.now() * 1000;
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

/**
 * What a request is known by when it is asked again; undefined where it names no key. The hash is over what is asked,
 * defaults applied.
 */
export function once(key: string | string[] | undefined, kind: string, asked: object): Once | undefined {
  const clientOrderId = 'clientOrderId' in asked ? asked.clientOrderId : undefined;
  if (typeof key !== 'string' && typeof clientOrderId !== 'string') return undefined;
  const text = canonicalText({ kind, asked });
  return {
    ...(typeof key === 'string' ? { key } : {}),
    ...(typeof clientOrderId === 'string' ? { clientOrderId } : {}),
    bodyHash: createHash('sha256').update(text).digest('base64url'),
  };
}
