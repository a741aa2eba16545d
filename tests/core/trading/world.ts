import { decide, type Decision } from '#core/trading/decide.ts';
import type { MarketView, Surroundings } from '#core/trading/command.ts';
import { units, type Decimal } from '#core/market/decimal.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { Order } from '#core/trading/order.ts';
import { onActive, onTrade, type Book, type PaperTerms } from '#core/trading/paper.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { command, d, fees, startUs, type Asked } from './pure.ts';
import { quantityOf, rulesOf, startPrices, type Action } from './sequences.ts';

const terms = { takerFee: fees.taker, slippage: d('0.003') };

interface Tick {
  price: Decimal;
  tradeId: number;
  timeUs: number;
}

/** What is asked of a portfolio, on which market, and when. */
export interface Ask {
  asked: Asked;
  symbol: string;
  atUs: number;
}

/** Two markets, one of them with a book, and a clock; says what each action asks of a portfolio. */
export class World {
  readonly #last = new Map<string, Tick>();
  readonly #orderId: (count: number) => string;
  #count = 0;

  constructor(orderId = (count: number): string => `o${count}`) {
    this.#orderId = orderId;
    for (const [of, price] of Object.entries(startPrices))
      this.#last.set(of, { price, tradeId: 10, timeUs: startUs });
  }

  /** Decides what an action asks. `seen` hears of each decision, before it counts. */
  act(action: Action, portfolio: Portfolio, seen: (before: Portfolio, again: () => Decision) => Portfolio) {
    let current = portfolio;
    for (const { asked, symbol, atUs } of this.asks(action, portfolio)) {
      const [before, around] = [current, this.#around(symbol)];
      current = seen(before, () => decide(before, command(asked, atUs), around));
    }
  }

  /** What an action asks of a portfolio, which is as given; some ask two things that do not touch each other. */
  asks(action: Action, portfolio: Portfolio): Ask[] {
    this.#count += 1;
    const atUs = startUs + this.#count;
    if (action.act === 'activate')
      return [...this.#last].map(([symbol, last]) => {
        const market = symbol === 'ETHBTC' ? { last, book: this.#book(symbol) } : { last };
        const steps = onActive(ofMarket(portfolio, symbol), market, termsOf(symbol));
        return { asked: { kind: 'execute', steps }, symbol, atUs };
      });
    return [{ ...this.#asked(action, portfolio, atUs), atUs }];
  }

  /** A market as commands are decided on it at this moment; undefined where there is none of that name. */
  view(symbol: string): MarketView | undefined {
    const last = this.#last.get(symbol);
    return last && { rules: rulesOf(symbol), last, timeUs: startUs + this.#count };
  }

  #asked(
    action: Exclude<Action, { act: 'activate' }>,
    portfolio: Portfolio,
    atUs: number,
  ): Omit<Ask, 'atUs'> {
    const asks = (asked: Asked, symbol = 'BTCUSDT') => ({ asked, symbol });
    switch (action.act) {
      case 'deposit':
      case 'withdraw':
        return asks({ kind: action.act, id: `m${this.#count}`, asset: action.asset, amount: action.amount });
      case 'place': {
        const { request } = action;
        return asks({ kind: 'place_order', orderId: this.#orderId(this.#count), request }, request.symbol);
      }
      case 'amend': {
        const { quantity, price } = action;
        const order = nthOf(portfolio, action.nth);
        const prices = price === undefined ? {} : { price };
        return asks({ kind: 'amend_order', orderId: this.#idOf(order), quantity, ...prices }, order?.symbol);
      }
      case 'cancel': {
        const orderId = this.#idOf(nthOf(portfolio, action.nth));
        return asks({ kind: 'cancel_order', orderId, reason: 'requested' });
      }
      case 'cancel_all':
        return asks({ kind: 'cancel_all', symbol: 'BTCUSDT', reason: 'requested' });
      case 'fire':
        return asks({ kind: 'cancel_all', reason: 'cancel_after' });
      case 'cancel_after':
        return asks({ kind: 'cancel_after', untilUs: action.inUs < 0 ? null : atUs + action.inUs });
      case 'risk':
        return asks({ kind: 'set_risk', risk: action.risk, by: 'test', reason: 'test' });
      case 'lose': {
        const limits = { ...defaultLimits, dailyLossMax: action.dailyLossMax };
        return asks({ kind: 'set_limits', limits, by: 'test' });
      }
      case 'mark': {
        const prices = new Map([...this.#last].map(([of, { price }]) => [pairOf(of), price]));
        return asks({ kind: 'mark_prices', prices, marketTimeUs: atUs });
      }
      case 'trade': {
        const { symbol: of, price, quantity, side: taker } = action;
        const tradeId = (this.#last.get(of)?.tradeId ?? 0) + 1;
        const tape = { tradeId, price, quantity, side: taker, timeUs: atUs };
        this.#last.set(of, { price, tradeId, timeUs: atUs });
        const book = of === 'ETHBTC' ? this.#book(of) : undefined;
        return asks(
          { kind: 'execute', steps: onTrade(ofMarket(portfolio, of), tape, termsOf(of), book) },
          of,
        );
      }
      case 'fill': {
        const { quantity, price, tradeId } = action;
        return asks({
          ...{ kind: 'fill_order', orderId: this.#idOf(nthOf(portfolio, action.nth)), tradeId, quantity },
          ...{ price, liquidity: 'taker', queueAhead: d('0'), marketTimeUs: atUs },
        });
      }
    }
  }

  /** Of an order, or one that there is not. */
  #idOf(order: Order | undefined): string {
    return order?.id ?? this.#orderId(0);
  }

  #around(of: string): Surroundings {
    const market = this.view(of);
    return { ...(market !== undefined && { market }), globalRisk: 'active', fees };
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
