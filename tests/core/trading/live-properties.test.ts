import fc from 'fast-check';
import { expect, it } from 'vitest';
import { multiply, subtract, units, zero, type Decimal } from '#core/market/decimal.ts';
import { eventText, parseEvent } from '#core/trading/codec.ts';
import { decide } from '#core/trading/decide.ts';
import { isRefused } from '#core/trading/decision.ts';
import { entriesOf, heldAsset } from '#core/trading/ledger.ts';
import { needOf } from '#core/trading/live-need.ts';
import type { LiveStep } from '#core/trading/live.ts';
import type { Order } from '#core/trading/order.ts';
import { LiveDesk } from './live-desk.ts';
import { around, command, d, rebuilt } from './pure.ts';

/** What comes next: how far into the list of open orders it is meant for, and in which shares of what there is. */
const move = fc.record({
  act: fc.constantFrom('buy', 'sell', 'carry', 'carry', 'fill', 'fill', 'cancel', 'refuse', 'end'),
  nth: fc.nat({ max: 20 }),
  share: fc.integer({ min: 1, max: 1_000 }),
  feeAsset: fc.constantFrom('BTC', 'USDT', 'BNB'),
  fee: fc.integer({ min: 0, max: 20 }),
});
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

const thousandth = (value: Decimal, count: number): Decimal => units((value * BigInt(count)) / 1_000n);
const runs = Number(process.env['TICKLAKE_TEST_SEQUENCES'] ?? 150);

/** What a venue that is right may say of an order. */
function stepOf({ act, share, feeAsset, fee }: Move, order: Order, fillId: number): LiveStep | undefined {
  const { id: orderId, live } = order;
  const need = needOf(order);
  if (act === 'carry' && need === 'send') return { kind: 'send_order', orderId, validUntilUs: 5 };
  if (act === 'carry' && need === 'settle') return { kind: 'confirm_order', orderId, venueOrderId: fillId };
  if (act === 'refuse' && need === 'settle')
    return { kind: 'refuse_order', orderId, code: 'VENUE_REFUSED', detail: 'no' };
  if (live?.venueOrderId === undefined) return undefined;
  if (act === 'end')
    return { kind: 'end_order', orderId, as: 'canceled', filledQuantity: order.filledQuantity };
  if (act !== 'fill') return undefined;
  const left = subtract(order.quantity, order.filledQuantity);
  const quantity = share > 700 ? left : thousandth(left, share);
  if (quantity <= zero) return undefined;
  const price = order.price ?? d('100');
  const of = feeAsset === 'BTC' ? quantity : feeAsset === 'USDT' ? multiply(quantity, price, 'down') : d('1');
  return {
    ...{ kind: 'book_fill', orderId, fillId, quantity, price, fee: thousandth(of, fee), feeAsset },
    ...{ liquidity: 'maker', marketTimeUs: 1_700_000_000_000_000 },
  };
}

function play(moves: readonly Move[]): LiveDesk {
  const desk = new LiveDesk({ USDT: '100000', BTC: '50', BNB: '0.05' });
  for (const [index, made] of moves.entries()) {
    const { act, nth, share } = made;
    if (act === 'buy' || act === 'sell') {
      const price = act === 'buy' ? '95.5' : '104.5';
      desk.places({ side: act, quantity: String(share / 100), price });
      continue;
    }
    const order = [...desk.portfolio.orders.values()][nth % Math.max(1, desk.portfolio.orders.size)];
    if (order === undefined) continue;
    if (act === 'cancel') desk.does({ kind: 'cancel_order', orderId: order.id, reason: 'requested' });
    const step = stepOf(made, order, index + 1);
    if (step !== undefined) desk.books(step);
  }
  return desk;
}

function holds(property: (desk: LiveDesk) => void): void {
  const sequences = fc.array(move, { minLength: 1, maxLength: 150, size: 'max' });
  fc.assert(
    fc.property(sequences, (moves) => property(play(moves))),
    { numRuns: runs },
  );
}

it('each event’s entries sum to zero in each asset, one to an account, whatever fees are taken in', () => {
  holds(({ events }) => {
    for (const event of events) {
      const entries = entriesOf(event);
      const sums = Map.groupBy(entries, ({ asset }) => asset);
      for (const of of sums.values()) expect(of.reduce((sum, { amount }) => sum + amount, 0n)).toBe(0n);
      expect(new Set(entries.map(({ asset, account }) => `${asset} ${account}`)).size).toBe(entries.length);
    }
  });
});

it('what is held is what open orders hold, and nothing is negative', () => {
  holds(({ portfolio }) => {
    const held = new Map<string, bigint>();
    for (const order of portfolio.orders.values())
      held.set(heldAsset(order), (held.get(heldAsset(order)) ?? 0n) + order.held);
    for (const [asset, balance] of portfolio.balances) {
      expect(balance.held).toBe(held.get(asset) ?? 0n);
      expect(balance.available >= 0n).toBe(true);
    }
    const btc = portfolio.balances.get('BTC');
    const holding = portfolio.holdings.get('BTC/USDT');
    expect((holding?.quantity ?? 0n) <= (btc?.available ?? 0n) + (btc?.held ?? 0n)).toBe(true);
  });
});

it('a portfolio is what its stored events make of it, and no fill is booked again', () => {
  holds(({ events, portfolio }) => {
    const stored = events.map((event) => parseEvent(eventText('p', event)).event);
    expect(rebuilt(stored)).toEqual(portfolio);
    for (const order of portfolio.orders.values()) {
      if (order.activeAfterTradeId < 0) continue;
      const again: LiveStep = {
        ...{ kind: 'book_fill', orderId: order.id, fillId: order.activeAfterTradeId, quantity: d('0.001') },
        ...{ price: d('95.5'), fee: zero, feeAsset: 'BTC', liquidity: 'maker', marketTimeUs: 1 },
      };
      const decision = decide(portfolio, command({ kind: 'execute_live', steps: [again] }), around());
      expect(isRefused(decision)).toBe(true);
    }
  });
});

it('the sequences come to everything that can happen', () => {
  const seen = new Set<string>();
  holds(({ events }) => {
    for (const event of events) {
      seen.add(event.type);
      if (event.type === 'order_filled' && event.fill.feeOutside !== undefined) seen.add('feeOutside');
    }
  });
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...['order_sent', 'order_activated', 'order_refused', 'order_filled', 'order_cancel_requested'],
      ...['order_canceled', 'feeOutside'],
    ]),
  );
});
