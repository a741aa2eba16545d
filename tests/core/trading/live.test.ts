import { describe, expect, it } from 'vitest';
import { decimalText } from '#core/market/decimal.ts';
import { decide } from '#core/trading/decide.ts';
import { eventText } from '#core/trading/codec.ts';
import { isRefused } from '#core/trading/decision.ts';
import { entriesOf } from '#core/trading/ledger.ts';
import { needOf } from '#core/trading/live-need.ts';
import type { LiveStep } from '#core/trading/live.ts';
import { LiveDesk } from './live-desk.ts';
import { around, command, d, Desk, only, rebuilt, request } from './pure.ts';

const fill = (orderId: string, fillId: number, more: Record<string, string> = {}): LiveStep => {
  const { quantity = '1', price = '90', fee = '0.001', feeAsset = 'BTC' } = more;
  return {
    ...{ kind: 'book_fill', orderId, fillId, quantity: d(quantity), price: d(price), fee: d(fee), feeAsset },
    ...{ liquidity: 'taker', marketTimeUs: 1_700_000_000_000_000 },
  };
};

/** Sums of all entries by asset; zero everywhere where the books are right. */
function sumsOf(desk: Desk): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const event of desk.events)
    for (const { asset, amount } of entriesOf(event)) sums.set(asset, (sums.get(asset) ?? 0n) + amount);
  return sums;
}

function balanced(desk: Desk): void {
  expect([...sumsOf(desk)].filter(([, sum]) => sum !== 0n)).toEqual([]);
  expect(rebuilt(desk.events)).toEqual(desk.portfolio);
}

describe('what a live order needs', () => {
  it('is to be sent once, asked for after that, and watched once it is known to be there', () => {
    const desk = new LiveDesk();
    const order = desk.opens();
    expect(needOf(order)).toBe('send');
    desk.books({ kind: 'send_order', orderId: order.id, validUntilUs: 5 });
    expect(needOf(desk.order(order.id))).toBe('settle');
    expect(desk.refusal({ kind: 'send_order', orderId: order.id, validUntilUs: 9 })).toContain(
      'was sent before',
    );
    desk.books({ kind: 'confirm_order', orderId: order.id, venueOrderId: 7 });
    expect(needOf(desk.order(order.id))).toBe('watch');
    expect(desk.books({ kind: 'confirm_order', orderId: order.id, venueOrderId: 7 })).toEqual([]);
    expect(desk.refusal({ kind: 'confirm_order', orderId: order.id, venueOrderId: 8 })).toContain(
      'not the venue',
    );
    balanced(desk);
  });

  it('is nothing of an order on paper, whose events are as they always were', () => {
    const desk = new Desk();
    const order = desk.opens();
    expect(needOf(order)).toBeUndefined();
    const texts = desk.events.map((event) => eventText('p', event));
    expect(texts.filter((text) => /live|venue|feeAsset|feeOutside/.test(text))).toEqual([]);
  });
});

describe('reservation', () => {
  it('holds no fee, and of a market order what it costs at the collar’s edge, on the tick', () => {
    const desk = new LiveDesk();
    expect(decimalText(desk.opens({ quantity: '2' }).held)).toBe('180');
    const market = desk.opens({ type: 'market', timeInForce: 'IOC', quantity: '2' });
    expect(decimalText(market.held)).toBe('240');
    expect(market.live).toEqual({ worstPrice: d('120') });
    const seller = new LiveDesk({ BTC: '1' });
    expect(seller.opens({ side: 'sell', type: 'market', timeInForce: 'IOC' }).live).toEqual({
      worstPrice: d('80'),
    });
  });

  it('is refused for markets of another venue', () => {
    const desk = new LiveDesk();
    expect(desk.places({ source: 'kraken' })).toBe('UNKNOWN_SYMBOL');
  });

  it('goes back where the venue does not take the order, which says why', () => {
    const desk = new LiveDesk();
    const { id } = desk.opens();
    desk.books({ kind: 'send_order', orderId: id, validUntilUs: 5 });
    desk.books({ kind: 'refuse_order', orderId: id, code: 'VENUE_REFUSED', detail: 'no' });
    expect(desk.order(id)).toMatchObject({ status: 'rejected' });
    expect(desk.balance('USDT')).toEqual({ available: '1000', held: '0' });
    balanced(desk);
  });
});

describe('fees', () => {
  it('in what was bought lower what comes in, and make it dearer', () => {
    const desk = new LiveDesk();
    const id = desk.atVenue(7);
    desk.books(fill(id, 1));
    expect(desk.balance('BTC')).toEqual({ available: '0.999', held: '0' });
    expect(desk.balance('USDT')).toEqual({ available: '910', held: '0' });
    const holding = desk.portfolio.holdings.get('BTC/USDT');
    expect(holding).toMatchObject({ quantity: d('0.999'), cost: d('90') });
    expect(desk.order(id)).toMatchObject({ status: 'filled', fees: d('0.09') });
    balanced(desk);
  });

  it('in the proceeds of a sale lower those', () => {
    const desk = new LiveDesk({ USDT: '1000' });
    const bought = desk.atVenue(7);
    desk.books(fill(bought, 1, { fee: '0' }));
    const sold = desk.atVenue(8, { side: 'sell', price: '110' });
    desk.books(fill(sold, 2, { price: '110', fee: '0.11', feeAsset: 'USDT' }));
    expect(desk.balance('USDT')).toEqual({ available: '1019.89', held: '0' });
    const [event] = only(desk.events, 'order_filled').slice(-1);
    expect(event).toMatchObject({ realizedAverage: d('19.89'), realizedFifo: d('19.89') });
    balanced(desk);
  });

  it('in a third asset are paid of what there is of it, and beyond by what else the account has', () => {
    const desk = new LiveDesk({ USDT: '1000', BNB: '0.3' });
    const id = desk.atVenue(7);
    desk.books(fill(id, 1, { fee: '0.5', feeAsset: 'BNB' }));
    expect(desk.balance('BNB')).toEqual({ available: '0', held: '0' });
    expect(desk.balance('BTC')).toEqual({ available: '1', held: '0' });
    const [filled] = only(desk.events, 'order_filled');
    expect(filled?.fill).toMatchObject({ feeAsset: 'BNB', fee: d('0.5'), feeOutside: d('0.2') });
    expect(desk.order(id).fees).toBe(d('0'));
    balanced(desk);
  });
});

describe('fills', () => {
  it('are booked once, in the order of their ids, and no more than was asked for or held', () => {
    const desk = new LiveDesk();
    const id = desk.atVenue(7);
    desk.books(fill(id, 5, { quantity: '0.4', fee: '0.0004' }));
    expect(desk.refusal(fill(id, 5, { quantity: '0.4' }))).toContain('already');
    expect(desk.refusal(fill(id, 6, { quantity: '0.7' }))).toContain('not so much left');
    expect(desk.refusal(fill(id, 6, { quantity: '0.6', price: '91' }))).toContain('does not hold');
    expect(desk.refusal(fill(id, 6, { quantity: '0.6', fee: '0.6' }))).toContain('takes whole');
    expect(desk.order(id)).toMatchObject({ status: 'partially_filled', held: d('54') });
  });

  it('refuse all that comes with them where one cannot be booked', () => {
    const desk = new LiveDesk();
    const id = desk.atVenue(7);
    const before = desk.portfolio;
    expect(desk.refusal(fill(id, 1, { quantity: '0.5' }), fill(id, 2, { quantity: '0.6' }))).toBeDefined();
    expect(desk.portfolio).toBe(before);
  });
});

describe('cancels', () => {
  it('end an order at once that was not sent yet', () => {
    const desk = new LiveDesk();
    const { id } = desk.opens();
    desk.does({ kind: 'cancel_order', orderId: id, reason: 'requested' });
    expect(desk.order(id).status).toBe('canceled');
    expect(desk.refusal({ kind: 'send_order', orderId: id, validUntilUs: 5 })).toContain('not open');
  });

  it('are asked for, and end the order once the venue has ended it and its last fill is booked', () => {
    const desk = new LiveDesk();
    const id = desk.atVenue(7);
    desk.does({ kind: 'cancel_order', orderId: id, reason: 'requested' });
    expect(desk.does({ kind: 'cancel_order', orderId: id, reason: 'requested' })).toEqual([]);
    expect(needOf(desk.order(id))).toBe('cancel');
    expect(desk.order(id)).toMatchObject({ status: 'open', held: d('90') });
    const end = { kind: 'end_order', orderId: id, as: 'canceled', filledQuantity: d('0.5') } as const;
    expect(desk.refusal(end)).toContain('not booked');
    desk.books(fill(id, 1, { quantity: '0.5' }), end);
    expect(desk.order(id)).toMatchObject({ status: 'canceled', held: d('0') });
    expect(only(desk.events, 'order_canceled')[0]).toMatchObject({ reason: 'requested', released: d('45') });
    expect(desk.balance('USDT')).toEqual({ available: '955', held: '0' });
    balanced(desk);
  });

  it('of the switches go the same way, and one that came from elsewhere says so', () => {
    const desk = new LiveDesk();
    const [first, second] = [desk.atVenue(7), desk.atVenue(8)];
    const unsent = desk.opens();
    desk.does({ kind: 'cancel_order', orderId: first, reason: 'requested' });
    const events = desk.does({ kind: 'cancel_all', reason: 'kill_switch' });
    expect(events.map(({ type }) => type)).toEqual(['order_cancel_requested', 'order_canceled']);
    expect(desk.order(unsent.id).status).toBe('canceled');
    expect(desk.order(second).live?.cancel).toBe('kill_switch');
    const other = desk.atVenue(9);
    desk.books({ kind: 'end_order', orderId: other, as: 'canceled', filledQuantity: d('0') });
    expect(only(desk.events, 'order_canceled').at(-1)).toMatchObject({ reason: 'venue' });
  });

  it('take the place of sending after a halt', () => {
    const desk = new LiveDesk();
    const { id } = desk.opens();
    const steps: LiveStep[] = [{ kind: 'send_order', orderId: id, validUntilUs: 5 }];
    const halted = around({ globalRisk: 'halted' });
    expect(desk.does({ kind: 'execute_live', steps }, halted).map(({ type }) => type)).toEqual([
      'order_canceled',
    ]);
    expect(desk.order(id)).toMatchObject({ status: 'canceled', held: d('0') });
  });
});

it('an amendment is refused, and the order stands', () => {
  const desk = new LiveDesk();
  const id = desk.atVenue(7);
  const refusal = desk.refuses({ kind: 'amend_order', orderId: id, quantity: d('0.5') });
  expect(refusal).toMatchObject({
    code: 'BAD_REQUEST',
    remedy: 'Cancel it, and place another once it is over.',
  });
});

it('a stranger’s order halts the portfolio, and what is short alone does not', () => {
  const desk = new LiveDesk();
  desk.does({ kind: 'report_difference', difference: { kind: 'balance_short', key: 'a', cause: 'less' } });
  expect(desk.portfolio.risk).toBe('active');
  desk.does({ kind: 'report_difference', difference: { kind: 'stranger_order', key: 'b', cause: 'whose' } });
  expect(desk.portfolio.risk).toBe('halted');
  const placing = command({ kind: 'place_order', orderId: 'x', request: request() });
  const decision = decide(desk.portfolio, placing, around());
  expect(isRefused(decision) ? [] : decision.events).toMatchObject([
    { type: 'order_rejected', code: 'HALTED' },
  ]);
});
