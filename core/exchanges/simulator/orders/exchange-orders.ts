import { ApiError } from '../answer.ts';
import type { MarketTape } from '../market-tape.ts';
import type { Tape } from '../tape.ts';
import { Account, type SimulatorAccount } from './account.ts';
import { MarketDesk } from './desk.ts';
import { OrderCount } from './order-count.ts';
import { isOpen, type SimulatorFill, type SimulatorOrder } from './order.ts';
import type { Terms } from './terms.ts';

export interface OrdersOptions {
  tape: Tape;
  nowMs: () => number;
  accounts: readonly SimulatorAccount[];
}

/** Open orders an account may have in a market. */
export const openPerMarket = 200;
/** Orders that are over, and fills, are forgotten beyond so many; the oldest first. */
const endedKept = 20_000;
const fillsKept = 100_000;

/**
 * Orders of the simulator's customers. They meet its tape and its book as those of somebody small: what they do moves no
 * price. All of it is in memory, and gone with the process.
 */
export class ExchangeOrders {
  readonly accounts: readonly Account[];
  readonly #options: OrdersOptions;
  readonly #desks = new Map<MarketTape, MarketDesk>();
  readonly #orders = new Map<number, SimulatorOrder>();
  readonly #fills: SimulatorFill[] = [];
  readonly #fillIds = new Map<string, number>();
  readonly #counts = new Map<Account, OrderCount>();
  #nextOrderId = 1;

  constructor(options: OrdersOptions) {
    this.#options = options;
    this.accounts = options.accounts.map((given) => new Account(given));
  }

  get nowMs(): number {
    return this.#options.nowMs();
  }

  /** The market under a name, with its orders matched up to now. Throws -1121. */
  desk(symbol: string): MarketDesk {
    const { nowMs } = this;
    const tape = this.#options.tape.market(symbol, nowMs);
    if (tape?.isListed(nowMs) !== true || tape.isGone(nowMs)) throw new ApiError(-1121, 'Invalid symbol.');
    const held = this.#desks.get(tape);
    const desk = held ?? new MarketDesk(tape, nowMs, (fill) => this.#note(fill));
    this.#desks.set(tape, desk);
    desk.play(nowMs);
    return desk;
  }

  /** Matches the orders of all markets up to now. */
  play(): void {
    for (const desk of this.#desks.values()) desk.play(this.nowMs);
  }

  place(account: Account, desk: MarketDesk, terms: Terms): SimulatorOrder {
    this.countOf(account).check(this.nowMs);
    const { clientOrderId } = terms;
    const mine = desk.open.filter((order) => order.account === account);
    if (mine.some((order) => order.clientOrderId === clientOrderId))
      throw new ApiError(-2010, 'Duplicate order sent.');
    if (mine.length >= openPerMarket) throw new ApiError(-1013, 'Filter failure: MAX_NUM_ORDERS');
    const order = desk.place(terms, account, this.#nextOrderId, this.nowMs);
    this.#nextOrderId += 1;
    this.#orders.set(order.id, order);
    this.countOf(account).count();
    if (this.#orders.size > endedKept) this.#forget();
    return order;
  }

  cancel(order: SimulatorOrder): void {
    this.#desks.get(order.tape)?.cancel(order, this.nowMs);
  }

  /** The newest order of an account that has this client order id in a market. */
  find(account: Account, symbol: string, clientOrderId: string): SimulatorOrder | undefined {
    return this.ofAccount(account)
      .filter((order) => order.clientOrderId === clientOrderId && order.tape.market.symbol === symbol)
      .at(-1);
  }

  /** In the order they were placed. */
  ofAccount(account: Account): SimulatorOrder[] {
    return [...this.#orders.values()].filter((order) => order.account === account);
  }

  /** In the order of their ids, market by market. */
  fillsOf(account: Account): SimulatorFill[] {
    return this.#fills.filter(({ order }) => order.account === account);
  }

  countOf(account: Account): OrderCount {
    const held = this.#counts.get(account) ?? new OrderCount();
    this.#counts.set(account, held);
    return held;
  }

  #note(fill: Omit<SimulatorFill, 'id'>): void {
    const { symbol } = fill.order.tape.market;
    const id = (this.#fillIds.get(symbol) ?? 0) + 1;
    this.#fillIds.set(symbol, id);
    this.#fills.push({ ...fill, id });
    if (this.#fills.length > fillsKept) this.#fills.splice(0, fillsKept / 10);
  }

  #forget(): void {
    const ended = [...this.#orders.values()].filter((order) => !isOpen(order));
    for (const { id } of ended.slice(0, endedKept / 10)) this.#orders.delete(id);
  }
}
