import { describe, expect, it } from 'vitest';
import type { VenueFill, VenueOrder } from '#core/exchanges/order-venue.ts';
import { parseDecimal as d, zero } from '#core/market/decimal.ts';
import type { LiveOrder, Order } from '#core/trading/order.ts';
import { bookingsOf } from '#pipelines/execute-live/bookings.ts';

function order(id: string, live: LiveOrder, filled = '0'): Order {
  return {
    ...{ id, source: 'venue', symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', side: 'buy', type: 'limit' },
    ...{ quantity: d('1'), price: d('90'), timeInForce: 'GTC', postOnly: false, status: 'open' },
    ...{ filledQuantity: d(filled), filledQuote: zero, fees: zero, held: d('90'), placedAtUs: 1 },
    ...{ activeAfterTradeId: -1, queueAhead: zero, live },
  };
}

function fill(id: number, venueOrderId: number, quantity = '0.5'): VenueFill {
  return {
    ...{ symbol: 'BTCUSDT', id, venueOrderId, side: 'buy', liquidity: 'maker', price: '90', quantity },
    ...{ quote: '45', fee: '0.0005', feeAsset: 'BTC', timeUs: 1 },
  };
}

function told(
  clientOrderId: string,
  venueOrderId: number,
  status: VenueOrder['status'],
  filledQuantity: string,
) {
  const of = { symbol: 'BTCUSDT', side: 'buy', type: 'LIMIT', quantity: '1', filledQuote: '0' } as const;
  return [clientOrderId, { ...of, clientOrderId, venueOrderId, status, filledQuantity }] as const;
}

const kinds = ({ steps }: ReturnType<typeof bookingsOf>) =>
  steps.map(({ kind, orderId }) => `${kind} ${orderId}`);
const known = { validUntilUs: 5, venueOrderId: 7 };

describe('what is booked of what the venue said', () => {
  it('fills by their ids, then the end that they lead to', () => {
    const bookings = bookingsOf([order('a', known)], {
      ...{ nextFillId: 3, fills: [fill(3, 7, '0.25'), fill(9, 7, '0.25')] },
      orders: new Map([told('a', 7, 'canceled', '0.5')]),
    });
    expect(kinds(bookings)).toEqual(['book_fill a', 'book_fill a', 'end_order a']);
    expect(bookings).toMatchObject({ nextFillId: 10, strangers: [], isShort: false });
  });

  it('no end before all its fills are shown', () => {
    const orders = new Map([told('a', 7, 'canceled', '0.75')]);
    const bookings = bookingsOf([order('a', known)], { nextFillId: 3, fills: [fill(3, 7)], orders });
    expect(kinds(bookings)).toEqual(['book_fill a']);
    expect(bookings.isShort).toBe(true);
  });

  it('no end of its own where the last fill fills the order', () => {
    const orders = new Map([told('a', 7, 'filled', '1')]);
    const bookings = bookingsOf([order('a', known, '0.5')], { nextFillId: 3, fills: [fill(3, 7)], orders });
    expect(kinds(bookings)).toEqual(['book_fill a']);
    expect(bookings.isShort).toBe(false);
  });

  it('no fill, nor any after it, whose order may be one that was just sent', () => {
    const orders = [order('a', known), order('b', { validUntilUs: 5 })];
    const bookings = bookingsOf(orders, {
      nextFillId: 1,
      fills: [fill(1, 7), fill(2, 8), fill(3, 7)],
      orders: new Map(),
    });
    expect(kinds(bookings)).toEqual(['book_fill a']);
    expect(bookings).toMatchObject({ nextFillId: 2, strangers: [], isShort: true });
  });

  it('a fill of nobody’s order as a stranger’s once all that were sent are known', () => {
    const orders = [order('a', known), order('unsent', {})];
    const bookings = bookingsOf(orders, {
      nextFillId: 1,
      fills: [fill(1, 8), fill(2, 7)],
      orders: new Map(),
    });
    expect(bookings).toMatchObject({ nextFillId: 3, strangers: [{ id: 1 }], isShort: false });
    expect(kinds(bookings)).toEqual(['book_fill a']);
  });

  it('an order that the venue turns out to have, before its fills', () => {
    const orders = new Map([told('b', 8, 'open', '0.5')]);
    const bookings = bookingsOf([order('b', { validUntilUs: 5 })], {
      nextFillId: 0,
      fills: [fill(4, 8)],
      orders,
    });
    expect(kinds(bookings)).toEqual(['confirm_order b', 'book_fill b']);
  });

  it('so many fills at a time, and the rest the next', () => {
    const fills = Array.from({ length: 500 }, (_, index) => fill(index, 7, '0.001'));
    const bookings = bookingsOf([order('a', known)], { nextFillId: 0, fills, orders: new Map() });
    expect(bookings.steps).toHaveLength(200);
    expect(bookings).toMatchObject({ nextFillId: 200, isShort: true });
  });
});
