import type { Decimal } from '#core/market/decimal.ts';
import type { VenueStep } from '#core/trading/command.ts';
import { isOver } from '#core/trading/open-orders.ts';
import type { Order } from '#core/trading/order.ts';
import { onActive, onTrade, type PaperTerms, type TapeTrade } from '#core/trading/paper.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';

/** What a moment of the market does to one portfolio's orders. */
export interface Execution {
  portfolioId: string;
  steps: VenueStep[];
}

/** Beyond these a trade's price reaches none of the orders. */
interface Reach {
  /** The lowest at which something sells, or a purchase is triggered. */
  from: Decimal | undefined;
  /** The highest at which something buys, or a sale is triggered. */
  to: Decimal | undefined;
}

/** The open orders of one market, as they stand after the last execution. */
export class Desk {
  readonly source: string;
  readonly symbol: string;
  readonly #orders = new Map<string, Map<string, Order>>();
  #reach: Reach | undefined;
  #waiting = 0;

  constructor(source: string, symbol: string) {
    this.source = source;
    this.symbol = symbol;
  }

  /** Orders that are open. */
  get size(): number {
    return [...this.#orders.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Takes the place of all that is known. */
  load(orders: Iterable<readonly [portfolioId: string, order: Order]>): void {
    this.#orders.clear();
    for (const [portfolioId, order] of orders) this.#put(portfolioId, order);
    this.#look();
  }

  /** Adds orders, or takes them as they are. */
  put(orders: Iterable<readonly [portfolioId: string, order: Order]>): void {
    for (const [portfolioId, order] of orders) this.#put(portfolioId, order);
    this.#look();
  }

  /** A portfolio's orders of this market are as they stand in it. */
  settle({ id, orders }: Portfolio): void {
    this.#orders.delete(id);
    for (const order of orders.values())
      if (order.source === this.source && order.symbol === this.symbol) this.#put(id, order);
    this.#look();
  }

  /** What becomes of orders that are not active yet. */
  activations(last: TapeTrade, terms: PaperTerms): Execution[] {
    if (this.#waiting === 0) return [];
    return this.#each((orders) => {
      const waiting = orders.filter((order) => order.activeAfterTradeId < 0);
      return onActive(waiting, { last }, terms);
    });
  }

  /** What a trade of the tape does. */
  executions(trade: TapeTrade, terms: PaperTerms): Execution[] {
    const { from, to } = this.#reach ?? {};
    const isReached = (from !== undefined && trade.price >= from) || (to !== undefined && trade.price <= to);
    return isReached ? this.#each((orders) => onTrade(orders, trade, terms)) : [];
  }

  #each(stepsOf: (orders: readonly Order[]) => VenueStep[]): Execution[] {
    return [...this.#orders].flatMap(([portfolioId, orders]) => {
      const steps = stepsOf([...orders.values()]);
      return steps.length === 0 ? [] : [{ portfolioId, steps }];
    });
  }

  #put(portfolioId: string, order: Order): void {
    const orders = this.#orders.get(portfolioId) ?? new Map<string, Order>();
    this.#orders.set(portfolioId, orders);
    if (isOver(order)) orders.delete(order.id);
    else orders.set(order.id, order);
    if (orders.size === 0) this.#orders.delete(portfolioId);
  }

  #look(): void {
    this.#waiting = 0;
    let from: Decimal | undefined;
    let to: Decimal | undefined;
    for (const orders of this.#orders.values()) {
      for (const { side, status, price, stopPrice, activeAfterTradeId } of orders.values()) {
        if (activeAfterTradeId < 0) this.#waiting += 1;
        const isStop = status === 'pending';
        const at = isStop ? stopPrice : price;
        if (at === undefined) continue;
        if ((side === 'sell') !== isStop) from = from === undefined || at < from ? at : from;
        else to = to === undefined || at > to ? at : to;
      }
    }
    this.#reach = { from, to };
  }
}
