import fc from 'fast-check';
import { units, type Decimal } from '#core/market/decimal.ts';
import type { MarketView, Surroundings } from '#core/trading/command.ts';
import { decide, type Decision } from '#core/trading/decide.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { Order, OrderRequest, SymbolRules } from '#core/trading/order.ts';
import { onActive, onTrade, type Book, type PaperTerms } from '#core/trading/paper.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { command, d, fees, startUs } from './pure.ts';

/** What may happen to a portfolio, before it is known which of its orders it will happen to. */
export type Action =
  | { act: 'deposit' | 'withdraw'; asset: string; amount: Decimal }
  | { act: 'place'; request: OrderRequest }
  | { act: 'amend'; nth: number; quantity: Decimal; price: Decimal | undefined }
  | { act: 'cancel'; nth: number }
  | { act: 'cancel_all' | 'fire' | 'activate' }
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
const startPrices: Record<string, Decimal> = { BTCUSDT: d('100'), ETHBTC: d('0.05') };
const terms = { takerFee: fees.taker, slippage: d('0.003') };

const asset = fc.constantFrom('USDT', 'BTC', 'ETH');
const side = fc.constantFrom('buy', 'sell');
const nth = fc.nat({ max: 20 });
const symbol = fc.constantFrom('BTCUSDT', 'ETHBTC');
const ticks = fc.integer({ min: -12, max: 12 });
const lots = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5_000_000 }));
const amount = fc
  .tuple(fc.bigInt({ min: 1n, max: 999_999n }), fc.integer({ min: 0, max: 20 }))
  .map(([digits, zeros]) => units(digits * 10n ** BigInt(zeros)));

/** A price of a market some percent from where it began, on its ticks. */
function priceOf(of: string, percent: number): Decimal {
  const { tickSize } = rulesOf(of);
  const price = ((startPrices[of] ?? 0n) * BigInt(100 + percent)) / 100n;
  return units((price / tickSize) * tickSize);
}

function quantityOf(of: string, count: number): Decimal {
  const { stepSize } = rulesOf(of);
  const coarse = of === 'ETHBTC' ? 10_000_019n : 7n;
  return units(stepSize * BigInt(count) * coarse);
}

const place: fc.Arbitrary<Action> = fc
  .record({
    ...{ symbol, side, ticks, lots, stop: ticks, postOnly: fc.boolean() },
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
  { weight: 8, arbitrary: place },
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

function rulesOf(of: string): SymbolRules {
  const rules = markets[of];
  if (rules === undefined) throw new Error(`no market ${of}`);
  return rules;
}

interface Tick {
  price: Decimal;
  tradeId: number;
  timeUs: number;
}

/** Two markets, one of them with a book, and a clock; says what each action asks of a portfolio. */
export class World {
  readonly #last = new Map<string, Tick>();
  #count = 0;

  constructor() {
    for (const [of, price] of Object.entries(startPrices))
      this.#last.set(of, { price, tradeId: 10, timeUs: startUs });
  }

  /** Decides what an action asks; some ask several things. `seen` hears of each decision, before it counts. */
  act(action: Action, portfolio: Portfolio, seen: (before: Portfolio, again: () => Decision) => Portfolio) {
    this.#count += 1;
    const atUs = startUs + this.#count;
    let current = portfolio;
    const asks = (asked: Parameters<typeof command>[0], of = 'BTCUSDT') => {
      const [before, around] = [current, this.#around(of)];
      current = seen(before, () => decide(before, command(asked, atUs), around));
    };
    switch (action.act) {
      case 'deposit':
      case 'withdraw':
        asks({ kind: action.act, id: `m${this.#count}`, asset: action.asset, amount: action.amount });
        break;
      case 'place':
        asks(
          { kind: 'place_order', orderId: `o${this.#count}`, request: action.request },
          action.request.symbol,
        );
        break;
      case 'amend': {
        const order = nthOf(current, action.nth);
        const { quantity, price } = action;
        const orderId = order?.id ?? 'none';
        asks(
          { kind: 'amend_order', orderId, quantity, ...(price !== undefined && { price }) },
          order?.symbol,
        );
        break;
      }
      case 'cancel':
        asks({
          kind: 'cancel_order',
          orderId: nthOf(current, action.nth)?.id ?? 'none',
          reason: 'requested',
        });
        break;
      case 'cancel_all':
        asks({ kind: 'cancel_all', symbol: 'BTCUSDT', reason: 'requested' });
        break;
      case 'fire':
        asks({ kind: 'cancel_all', reason: 'cancel_after' });
        break;
      case 'cancel_after':
        asks({ kind: 'cancel_after', untilUs: action.inUs < 0 ? null : atUs + action.inUs });
        break;
      case 'risk':
        asks({ kind: 'set_risk', risk: action.risk, by: 'test', reason: 'test' });
        break;
      case 'lose':
        asks({
          kind: 'set_limits',
          limits: { ...defaultLimits, dailyLossMax: action.dailyLossMax },
          by: 'test',
        });
        break;
      case 'mark': {
        const prices = new Map([...this.#last].map(([of, { price }]) => [pairOf(of), price]));
        asks({ kind: 'mark_prices', prices, marketTimeUs: atUs });
        break;
      }
      case 'activate':
        for (const [of, last] of this.#last) {
          const market = of === 'ETHBTC' ? { last, book: this.#book(of) } : { last };
          asks({ kind: 'execute', steps: onActive(ofMarket(current, of), market, termsOf(of)) }, of);
        }
        break;
      case 'trade': {
        const { symbol: of, price, quantity, side: taker } = action;
        const tradeId = (this.#last.get(of)?.tradeId ?? 0) + 1;
        const tape = { tradeId, price, quantity, side: taker, timeUs: atUs };
        this.#last.set(of, { price, tradeId, timeUs: atUs });
        const book = of === 'ETHBTC' ? this.#book(of) : undefined;
        asks({ kind: 'execute', steps: onTrade(ofMarket(current, of), tape, termsOf(of), book) }, of);
        break;
      }
      case 'fill': {
        const orderId = nthOf(current, action.nth)?.id ?? 'none';
        const { quantity, price, tradeId } = action;
        asks({
          ...{ kind: 'fill_order', orderId, tradeId, quantity, price, liquidity: 'taker' },
          ...{ queueAhead: d('0'), marketTimeUs: atUs },
        });
        break;
      }
    }
  }

  #around(of: string): Surroundings {
    const last = this.#last.get(of);
    const market: MarketView = {
      rules: rulesOf(of),
      ...(last !== undefined && { last }),
      timeUs: startUs + this.#count,
    };
    return { market, globalRisk: 'active', fees };
  }

  /** Five levels around the last price. */
  #book(of: string): Book {
    const { tickSize } = rulesOf(of);
    const middle = this.#last.get(of)?.price ?? d('1');
    const levels = (step: bigint) =>
      [1n, 2n, 3n, 4n, 5n].map((n) => ({
        price: units(middle + n * step * tickSize),
        quantity: quantityOf(of, Number(n) * 700),
      }));
    return { bids: levels(-1000n), asks: levels(1000n) };
  }
}

function ofMarket(portfolio: Portfolio, of: string): Order[] {
  return [...portfolio.orders.values()].filter((order) => order.symbol === of);
}

function nthOf(portfolio: Portfolio, nth: number): Order | undefined {
  return [...portfolio.orders.values()][nth % Math.max(portfolio.orders.size, 1)];
}

function pairOf(of: string): string {
  const { base, quote } = rulesOf(of);
  return `${base}/${quote}`;
}

function termsOf(of: string): PaperTerms {
  return { ...terms, rules: rulesOf(of) };
}
