import { describe, expect, it } from 'vitest';
import { isReached, metBy, takesOf, type Resting } from '#core/exchanges/simulator/orders/match.ts';

const asks = { prices: [101, 102, 105], lots: [5, 0, 10] };
const bids = { prices: [100, 99, 95], lots: [3, 4, 50] };

describe('what an order takes', () => {
  it.each([
    [
      'all of one level, part of the next',
      true,
      8,
      undefined,
      [
        [101, 5],
        [105, 3],
      ],
    ],
    [
      'what there is, where it wants more',
      true,
      99,
      undefined,
      [
        [101, 5],
        [105, 10],
      ],
    ],
    ['nothing beyond its limit', true, 8, 104, [[101, 5]]],
    [
      'at its limit too',
      true,
      6,
      105,
      [
        [101, 5],
        [105, 1],
      ],
    ],
    ['nothing where its limit is out of reach', true, 8, 100, []],
    [
      'of bids, the highest first',
      false,
      5,
      undefined,
      [
        [100, 3],
        [99, 2],
      ],
    ],
    [
      'of bids, none below its limit',
      false,
      60,
      99,
      [
        [100, 3],
        [99, 4],
      ],
    ],
  ] as const)('%s', (_, isBuy, lots, limitTicks, expected) => {
    const takes = takesOf({ isBuy, lots, limitTicks }, isBuy ? asks : bids);
    expect(takes.map((take) => [take.ticks, take.lots])).toEqual(expected);
  });
});

const buy = (place: number, ticks: number, lots: number, queueLots = 0): Resting => {
  return { isBuy: true, ticks, lots, queueLots, place };
};
const sell = (place: number, ticks: number, lots: number, queueLots = 0): Resting => {
  return { isBuy: false, ticks, lots, queueLots, place };
};
const outcome = (orders: readonly Resting[], trade: [ticks: number, lots: number, buyerIsMaker: boolean]) => {
  const [ticks, lots, buyerIsMaker] = trade;
  return metBy(orders, { ticks, lots, buyerIsMaker }).map((met) => [
    met.order.place,
    met.lots,
    met.queueLots,
  ]);
};

describe('what a trade does to orders in the book', () => {
  it('passes those it does not reach', () => {
    expect(outcome([buy(1, 99, 5), sell(2, 102, 5)], [100, 10, true])).toEqual([]);
  });

  it('fills whole those it went through, whatever stood before them', () => {
    expect(outcome([buy(1, 101, 5, 1000)], [100, 8, true])).toEqual([[1, 5, 0]]);
    expect(outcome([sell(1, 99, 5, 1000)], [100, 8, false])).toEqual([[1, 5, 0]]);
  });

  it('first trades away what stood before at the same price', () => {
    // 10 stood before; a trade of 8 leaves 2 of them.
    expect(outcome([buy(1, 100, 5, 10)], [100, 8, true])).toEqual([[1, 0, 2]]);
    // 2 stood before; of a trade of 6 the order gets 4.
    expect(outcome([buy(1, 100, 5, 2)], [100, 6, true])).toEqual([[1, 4, 0]]);
  });

  it('does nothing at the same price where the other side was the one in the book', () => {
    expect(outcome([buy(1, 100, 5)], [100, 8, false])).toEqual([]);
    expect(outcome([sell(1, 100, 5)], [100, 8, true])).toEqual([]);
  });

  it('gives all together no more than was traded: better prices first, then who came first', () => {
    const orders = [buy(3, 101, 4), buy(1, 101, 4), buy(2, 102, 5)];
    expect(outcome(orders, [100, 10, true])).toEqual([
      [2, 5, 0],
      [1, 4, 0],
      [3, 1, 0],
    ]);
    const sales = [sell(1, 99, 4), sell(2, 98, 5)];
    expect(outcome(sales, [100, 7, false])).toEqual([
      [2, 5, 0],
      [1, 2, 0],
    ]);
  });
});

it('reaches a stop from its side, the price itself included', () => {
  expect([99, 100, 101].map((ticks) => isReached(true, 100, ticks))).toEqual([false, true, true]);
  expect([99, 100, 101].map((ticks) => isReached(false, 100, ticks))).toEqual([true, true, false]);
});
