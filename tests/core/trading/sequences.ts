import fc from 'fast-check';
import { units, type Decimal } from '#core/market/decimal.ts';
import type { OrderRequest, SymbolRules } from '#core/trading/order.ts';
import { d } from './pure.ts';

/** What may happen to a portfolio, before it is known which of its orders it will happen to. */
export type Action =
  | { act: 'deposit' | 'withdraw'; asset: string; amount: Decimal }
  | { act: 'place'; request: OrderRequest }
  | { act: 'amend'; nth: number; quantity: Decimal; price: Decimal | undefined }
  | { act: 'cancel'; nth: number }
  | { act: 'cancel_all' | 'fire' }
  | { act: 'activate' }
  | { act: 'cancel_after'; inUs: number }
  | { act: 'risk'; risk: 'active' | 'reducing' | 'halted' }
  | { act: 'lose'; dailyLossMax: Decimal }
  | { act: 'trade'; symbol: string; price: Decimal; quantity: Decimal; side: 'buy' | 'sell' }
  | { act: 'mark' }
  /** A fill that no venue would make. */
  | { act: 'fill'; nth: number; quantity: Decimal; price: Decimal; tradeId: number };

const source = 'binance';
const markets: Record<string, SymbolRules> = Object.fromEntries(
  [
    { symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', tickSize: d('0.01'), stepSize: d('0.001') },
    {
      symbol: 'ETHBTC',
      base: 'ETH',
      quote: 'BTC',
      tickSize: d('0.0000000007'),
      stepSize: d('0.00000000003'),
    },
  ].map((rules) => [rules.symbol, { ...rules, source, minNotional: d('0.00001'), isTrading: true }]),
);
/** Where each market begins. */
export const startPrices: Record<string, Decimal> = { BTCUSDT: d('100'), ETHBTC: d('0.05') };

const asset = fc.constantFrom('USDT', 'BTC', 'ETH');
const side = fc.constantFrom('buy', 'sell');
const few = fc.integer({ min: 1, max: 40 });
const nth = fc.nat({ max: 20 });
const symbol = fc.constantFrom('BTCUSDT', 'ETHBTC');
const ticks = fc.integer({ min: -12, max: 12 });
const lots = fc.oneof(few, fc.integer({ min: 1, max: 5_000_000 }));
const amount = fc
  .tuple(fc.bigInt({ min: 1n, max: 999_999n }), fc.integer({ min: 0, max: 20 }))
  .map(([digits, zeros]) => units(digits * 10n ** BigInt(zeros)));

/** A price of a market some percent from where it began, on its ticks. */
function priceOf(of: string, percent: number): Decimal {
  const { tickSize } = rulesOf(of);
  const price = ((startPrices[of] ?? 0n) * BigInt(100 + percent)) / 100n;
  return units((price / tickSize) * tickSize);
}

/** So many steps of a market, times a number that leaves remainders. */
export function quantityOf(of: string, count: number): Decimal {
  const { stepSize } = rulesOf(of);
  const coarse = of === 'ETHBTC' ? 10_000_019n : 7n;
  return units(stepSize * BigInt(count) * coarse);
}

/** An order of so many steps. */
const placing = (steps: fc.Arbitrary<number>): fc.Arbitrary<Action> =>
  fc
    .record({
      ...{ symbol, side, ticks, lots: steps, stop: ticks, postOnly: fc.boolean() },
      type: fc.constantFrom('market', 'limit', 'limit', 'limit', 'stop_loss', 'stop_limit'),
      timeInForce: fc.constantFrom('GTC', 'GTC', 'GTC', 'IOC', 'FOK'),
    })
    .map(({ ticks: percent, lots: count, stop, type, postOnly, timeInForce, ...rest }) => ({
      act: 'place',
      request: {
        ...{ source, ...rest, type, timeInForce, quantity: quantityOf(rest.symbol, count) },
        postOnly: postOnly && type === 'limit' && timeInForce === 'GTC',
        ...((type === 'limit' || type === 'stop_limit') && { price: priceOf(rest.symbol, percent) }),
        ...((type === 'stop_loss' || type === 'stop_limit') && { stopPrice: priceOf(rest.symbol, stop) }),
      },
    }));

const trade: fc.Arbitrary<Action> = fc
  .record({ symbol, side, ticks, lots })
  .map(({ symbol: of, side: taker, ticks: percent, lots: count }) => ({
    ...{ act: 'trade', symbol: of, side: taker },
    ...{ price: priceOf(of, percent), quantity: quantityOf(of, count) },
  }));

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: placing(lots) },
  { weight: 8, arbitrary: trade },
  { weight: 4, arbitrary: fc.constant<Action>({ act: 'activate' }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('deposit', 'withdraw'), asset, amount }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ act: fc.constant('amend'), nth, quantity: lots.map((count) => quantityOf('BTCUSDT', count)) },
      price: fc.option(
        ticks.map((percent) => priceOf('BTCUSDT', percent)),
        { nil: undefined },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('cancel'), nth }) },
  { weight: 1, arbitrary: fc.constantFrom<Action>({ act: 'cancel_all' }, { act: 'fire' }, { act: 'mark' }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('cancel_after'), inUs: fc.integer({ min: -5, max: 20 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{
        act: fc.constant('risk'),
        risk: fc.constantFrom('active', 'active', 'active', 'reducing', 'halted'),
      },
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('lose'), dailyLossMax: amount }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ act: fc.constant('fill'), nth, quantity: amount, price: amount },
      tradeId: fc.integer({ min: -1, max: 99 }),
    }),
  },
);

/** What mostly succeeds, and leaves orders to amend, to fill and to cancel. */
export const ordinary: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: placing(few) },
  { weight: 3, arbitrary: trade },
  { weight: 3, arbitrary: fc.constant<Action>({ act: 'activate' }) },
  { weight: 1, arbitrary: fc.constant<Action>({ act: 'risk', risk: 'active' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ act: fc.constant('amend'), nth, quantity: few.map((count) => quantityOf('BTCUSDT', count)) },
      price: fc.constant(undefined),
    }),
  },
);

export function rulesOf(of: string): SymbolRules {
  const rules = markets[of];
  if (rules === undefined) throw new Error(`no market ${of}`);
  return rules;
}
