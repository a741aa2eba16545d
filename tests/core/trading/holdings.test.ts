import fc from 'fast-check';
import { expect, it } from 'vitest';
import { add, subtract, units, zero } from '#core/market/decimal.ts';
import { afterBuy, afterRemoval, afterSale, emptyHolding, unrealized } from '#core/trading/holdings.ts';
import type { Holding } from '#core/trading/portfolio.ts';
import { d } from './pure.ts';

/** From the smallest decimal there is to large sums. */
const amount = fc
  .tuple(fc.bigInt({ min: 1n, max: 9_999n }), fc.integer({ min: 0, max: 24 }))
  .map(([digits, zeros]) => units(digits * 10n ** BigInt(zeros)));
const change = fc.record({
  kind: fc.constantFrom('buy', 'buy', 'sell', 'take'),
  quantity: amount,
  quote: amount,
});

it('costs and quantities never go below nothing, at any scale, and nothing held costs nothing', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let holding: Holding = emptyHolding('BTC', 'USDT');
      for (const [number, { kind, quantity, quote }] of changes.entries()) {
        const part = quantity < holding.quantity ? quantity : holding.quantity;
        if (kind === 'buy') holding = afterBuy(holding, number, quantity, quote);
        if (kind === 'sell') holding = afterSale(holding, quantity, quote).holding;
        if (kind === 'take') holding = afterRemoval(holding, part);
        expect(holding.quantity >= 0n && holding.cost >= 0n).toBe(true);
        expect(holding.lots.reduce((sum, lot) => sum + lot.quantity, 0n)).toBe(holding.quantity);
        if (holding.quantity === 0n) expect(holding).toMatchObject({ cost: 0n, lots: [] });
      }
    }),
    { numRuns: 2000 },
  );
});

it('by both ways of reckoning, the profit of all sales is what came in less what was paid', () => {
  const price = fc.integer({ min: 1, max: 1_000_000 }).map((cents) => units(d('0.01') * BigInt(cents)));
  fc.assert(
    fc.property(fc.array(price, { minLength: 2, maxLength: 20 }), ([last = zero, ...prices]) => {
      let holding: Holding = emptyHolding('BTC', 'USDT');
      let paid = zero;
      for (const [number, cost] of prices.entries()) {
        holding = afterBuy(holding, number, d('1'), cost);
        paid = add(paid, cost);
      }
      const half = units(holding.quantity / 2n);
      const first = afterSale(holding, half, last);
      const { holding: sold } = afterSale(first.holding, subtract(holding.quantity, half), last);
      const profit = subtract(add(last, last), paid);
      expect([sold.realizedAverage, sold.realizedFifo]).toEqual([profit, profit]);
    }),
  );
});

it('a sale in part: average cost takes its share, the oldest lots go first', () => {
  const bought = afterBuy(afterBuy(emptyHolding('BTC', 'USDT'), 1, d('1'), d('10')), 2, d('3'), d('90'));
  const sale = afterSale(bought, d('2'), d('100'));
  expect(sale).toMatchObject({ realizedAverage: d('50'), realizedFifo: d('60') });
  expect(sale.holding).toMatchObject({
    quantity: d('2'),
    cost: d('50'),
    lots: [{ number: 2, quantity: d('2') }],
  });
  expect(unrealized(sale.holding, d('20'))).toBe(d('-10'));
});
