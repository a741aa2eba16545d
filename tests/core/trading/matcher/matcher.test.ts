import fc from 'fast-check';
import { expect, it } from 'vitest';
import { units, type Decimal } from '#core/market/decimal.ts';
import { onActive, onTrade, type Book, type PaperTerms } from '#core/trading/paper.ts';
import type { VenueStep } from '#core/trading/command.ts';
import { around, d, Desk, fees, marketAt, only, rules, startUs } from '../pure.ts';
import { SlowVenue, type SlowBook } from './slow.ts';

const ordersMin = Number(process.env['TICKLAKE_TEST_ORDERS'] ?? 3000);
const terms: PaperTerms = { rules, takerFee: fees.taker, slippage: d('0.001') };

type Step =
  | { act: 'place'; asked: Asked }
  | { act: 'trade'; price: number; steps: number; taker: 'buy' | 'sell' }
  | { act: 'book'; from: number; sizes: number[] }
  | { act: 'cancel'; nth: number }
  | { act: 'meet' | 'no book' };

interface Asked {
  side: 'buy' | 'sell';
  type: 'market' | 'limit' | 'stop_loss' | 'stop_limit';
  price: number;
  stop: number;
  steps: number;
  timeInForce: 'GTC' | 'IOC' | 'FOK';
  postOnly: boolean;
}

/** Near 100, so that orders meet each other, the book and the tape. */
const price = fc.integer({ min: 9_990, max: 10_010 });
const side = fc.constantFrom('buy', 'sell');

const place = fc.record({
  act: fc.constant('place'),
  asked: fc.record({
    ...{ side, price, stop: price, steps: fc.integer({ min: 600, max: 630 }), postOnly: fc.boolean() },
    type: fc.constantFrom('market', 'limit', 'limit', 'limit', 'stop_loss', 'stop_limit'),
    timeInForce: fc.constantFrom('GTC', 'GTC', 'GTC', 'IOC', 'FOK'),
  }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: place },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ act: fc.constant('trade'), price, taker: side, steps: fc.integer({ min: 1, max: 900 }) },
    }),
  },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ act: 'meet' }, { act: 'meet' }, { act: 'no book' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ act: fc.constant('book'), from: price },
      sizes: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel'), nth: fc.nat({ max: 30 }) }) },
);

/** The same steps at both venues. */
class Both {
  readonly desk = new Desk({ USDT: '1000000', BTC: '10000' });
  readonly slow = new SlowVenue();
  placed = 0;
  #book: { slow: SlowBook; real: Book } | undefined;
  #clock = startUs;

  does(each: Step): void {
    this.#clock += 1;
    if (each.act === 'place') this.#place(each.asked);
    if (each.act === 'book') this.#book = bookOf(each.from, each.sizes);
    if (each.act === 'no book') this.#book = undefined;
    if (each.act === 'meet') this.#meet();
    if (each.act === 'cancel') this.#cancel(each.nth);
    if (each.act === 'trade') {
      this.#meet();
      this.#trade(each);
    }
  }

  #place(asked: Asked): void {
    const { side: of, type, steps, timeInForce, price: limit, stop } = asked;
    const isLimit = type === 'limit' || type === 'stop_limit';
    const isStop = type === 'stop_loss' || type === 'stop_limit';
    const postOnly = asked.postOnly && isLimit && timeInForce === 'GTC';
    const market = marketAt(textOf(this.slow.last.price));
    const order = this.desk.places(
      {
        ...{ side: of, type, timeInForce, postOnly, quantity: stepsText(steps) },
        ...(isLimit && { price: textOf(limit) }),
        ...(isStop && { stopPrice: textOf(stop) }),
      },
      around({ market }),
      this.#clock,
    );
    if (typeof order === 'string') return;
    this.placed += 1;
    const reckoned = isLimit ? limit * 1001 : ((isStop ? stop : this.slow.last.price) * 1001 * 12) / 10;
    this.slow.orders.push({
      ...{ id: order.id, side: of, remaining: steps, timeInForce, postOnly, state: 'new' },
      ...{ limit: isLimit ? limit : undefined, stop: isStop ? stop : undefined },
      ...{ ahead: 0, purse: steps * reckoned },
    });
  }

  #meet(): void {
    const { id: tradeId, price: last } = this.slow.last;
    const market = { last: { price: ticks(last), tradeId, timeUs: startUs } };
    const book = this.#book?.real;
    this.#execute(onActive(this.desk.portfolio.orders.values(), book ? { ...market, book } : market, terms));
    this.slow.meet(this.#book?.slow);
  }

  #trade({ price: at, steps, taker }: Extract<Step, { act: 'trade' }>): void {
    const tradeId = this.slow.last.id + 1;
    const tape = { tradeId, price: ticks(at), quantity: stepsOf(steps), side: taker, timeUs: startUs };
    this.#execute(onTrade(this.desk.portfolio.orders.values(), tape, terms, this.#book?.real));
    this.slow.trade({ id: tradeId, price: at, steps, taker }, this.#book?.slow);
  }

  #cancel(nth: number): void {
    const order = this.slow.orders.filter(({ state }) => state !== 'over')[nth];
    if (order === undefined) return;
    order.state = 'over';
    this.desk.does({ kind: 'cancel_order', orderId: order.id, reason: 'requested' });
  }

  #execute(steps: VenueStep[]): void {
    for (const each of steps) this.desk.does(each);
  }
}

it('agrees with a slow matcher on random orders, books and tapes', () => {
  let placed = 0;
  while (placed < ordersMin) {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), (steps) => {
        const both = new Both();
        for (const each of steps) both.does(each);
        placed += both.placed;
        expect(fillsOf(both.desk)).toEqual(both.slow.fills);
        expect(waitingOf(both.desk)).toEqual(
          both.slow.orders
            .filter(({ state }) => state !== 'over')
            .map(({ id, remaining, ahead }) => [id, stepsOf(remaining), stepsOf(ahead)]),
        );
      }),
      { numRuns: 20 },
    );
  }
  expect(placed).toBeGreaterThanOrEqual(ordersMin);
});

it('never fills more of a trade than its volume', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), (steps) => {
      const both = new Both();
      const volumes = new Map<number, number>();
      for (const each of steps) {
        both.does(each);
        if (each.act === 'trade') volumes.set(both.slow.last.id, each.steps);
      }
      const filled = new Map<number, bigint>();
      for (const { fill } of only(both.desk.events, 'order_filled'))
        if (fill.liquidity === 'maker')
          filled.set(fill.tradeId, (filled.get(fill.tradeId) ?? 0n) + fill.quantity);
      for (const [tradeId, quantity] of filled)
        expect(quantity <= stepsOf(volumes.get(tradeId) ?? 0)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

/** As the slow venue keeps them. */
function fillsOf(desk: Desk): Map<string, number> {
  const fills = new Map<string, number>();
  for (const { order, fill } of only(desk.events, 'order_filled')) {
    const key = `${order.id} at ${fill.price / d('0.01')} by ${fill.tradeId}`;
    fills.set(key, (fills.get(key) ?? 0) + Number(fill.quantity / d('0.0001')));
  }
  return fills;
}

function waitingOf(desk: Desk): [string, Decimal, Decimal][] {
  return [...desk.portfolio.orders.values()]
    .sort((a, b) => a.placedAtUs - b.placedAtUs)
    .map(({ id, quantity, filledQuantity, queueAhead }) => [
      id,
      units(quantity - filledQuantity),
      queueAhead,
    ]);
}

/** Levels of both sides around a price. */
function bookOf(from: number, sizes: readonly number[]): { slow: SlowBook; real: Book } {
  const slow: SlowBook = { bids: new Map(), asks: new Map() };
  for (const [n, size] of sizes.entries())
    if (n % 2 === 0) slow.bids.set(from - n, size);
    else slow.asks.set(from + n, size);
  const real = (side: Map<number, number>) =>
    [...side].map(([at, size]) => ({ price: ticks(at), quantity: stepsOf(size) }));
  return { slow, real: { bids: real(slow.bids), asks: real(slow.asks) } };
}

function ticks(count: number): Decimal {
  return units(d('0.01') * BigInt(count));
}

function stepsOf(count: number): Decimal {
  return units(d('0.0001') * BigInt(count));
}

function textOf(count: number): string {
  return (count / 100).toFixed(2);
}

function stepsText(count: number): string {
  return (count / 10_000).toFixed(4);
}
