import type { MarketTape } from '../market-tape.ts';
import { priceText, quantityText } from '../messages.ts';
import type { Account } from './account.ts';
import type { Terms } from './terms.ts';
import { unitsText, type Units } from './units.ts';

export type OrderStatus = 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'EXPIRED';

/** An order that was accepted. */
export interface SimulatorOrder extends Omit<Terms, 'clientOrderId'> {
  readonly id: number;
  readonly clientOrderId: string;
  readonly account: Account;
  readonly tape: MarketTape;
  readonly placedMs: number;
  updatedMs: number;
  status: OrderStatus;
  filledLots: number;
  filledQuote: Units;
  /** What of the account is locked for it: quote of purchases, base of sales. */
  locked: Units;
  /** Of a stop order whose price was not reached yet. */
  isWaiting: boolean;
  /** Lots of others before it at its price. */
  queueLots: number;
}

export interface SimulatorFill {
  id: number;
  order: SimulatorOrder;
  ticks: number;
  lots: number;
  quote: Units;
  fee: Units;
  feeAsset: string;
  timeMs: number;
  isMaker: boolean;
}

export function isOpen({ status }: SimulatorOrder): boolean {
  return status === 'NEW' || status === 'PARTIALLY_FILLED';
}

/** The asset that an order locks. */
export function lockedAsset({ side, tape }: Pick<SimulatorOrder, 'side' | 'tape'>): string {
  return side === 'BUY' ? tape.market.quote : tape.market.base;
}

/** An order as the exchange answers it to whoever asks. */
export function orderText(order: SimulatorOrder): Record<string, unknown> {
  return {
    ...commonText(order),
    ...{ clientOrderId: order.clientOrderId },
    stopPrice: priceText(order.tape, order.stopTicks ?? 0),
    icebergQty: '0.00000000',
    ...{ time: order.placedMs, updateTime: order.updatedMs, isWorking: !order.isWaiting },
    ...{ workingTime: order.isWaiting ? -1 : order.placedMs, origQuoteOrderQty: '0.00000000' },
  };
}

/** The answer to a new order, as `newOrderRespType=RESULT` asks for it. */
export function placedText(order: SimulatorOrder): Record<string, unknown> {
  const { clientOrderId, placedMs } = order;
  return { ...commonText(order), clientOrderId, transactTime: placedMs, workingTime: placedMs };
}

/** The answer to a cancel: `clientOrderId` is the cancel's own, which nobody gave. */
export function canceledText(order: SimulatorOrder): Record<string, unknown> {
  const { clientOrderId, updatedMs, id } = order;
  return {
    ...commonText(order),
    ...{ origClientOrderId: clientOrderId, clientOrderId: `cancel-${id}`, transactTime: updatedMs },
  };
}

export function fillText(fill: SimulatorFill): Record<string, unknown> {
  const { order, ticks, lots, quote, fee, feeAsset, timeMs, isMaker } = fill;
  return {
    ...{ symbol: order.tape.market.symbol, id: fill.id, orderId: order.id, orderListId: -1 },
    ...{ price: priceText(order.tape, ticks), qty: quantityText(order.tape, lots) },
    ...{ quoteQty: unitsText(quote), commission: unitsText(fee), commissionAsset: feeAsset },
    ...{ time: timeMs, isBuyer: order.side === 'BUY', isMaker, isBestMatch: true },
  };
}

function commonText(order: SimulatorOrder): Record<string, unknown> {
  const { tape, side, type, status, timeInForce } = order;
  return {
    ...{ symbol: tape.market.symbol, orderId: order.id, orderListId: -1 },
    price: priceText(tape, order.ticks ?? 0),
    origQty: quantityText(tape, order.lots),
    executedQty: quantityText(tape, order.filledLots),
    cummulativeQuoteQty: unitsText(order.filledQuote),
    ...{ status, timeInForce, type, side, selfTradePreventionMode: 'NONE' },
  };
}
