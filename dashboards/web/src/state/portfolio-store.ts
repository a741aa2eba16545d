import {
  openPortfolioStream,
  type ConnectionState,
  type NewOrder,
  type Order,
  type Portfolio,
  type PortfolioStream,
  type StreamBalance,
  type StreamOrderEvent,
} from '#api/client/index.ts';
import { api, streamUrl } from '../api.ts';
import { reasonOf } from '../reason.ts';
import { Observed } from './observed.ts';
import { isSignedOut } from './session-store.ts';

export interface PortfolioState {
  connection: ConnectionState;
  /** Those that are open, by id; undefined before the first word of them. */
  orders: ReadonlyMap<string, Order> | undefined;
  balances: readonly StreamBalance[] | undefined;
  /** With holdings, as of a moment ago. */
  portfolio: Portfolio | undefined;
  /** How far from the last price an order may be, as a share: a purchase without a price reserves so much more. */
  priceCollar: string | undefined;
  /** Why that could not be read. */
  error: string | undefined;
  /** Grows with all that happens: who has read a list reads it again. */
  version: number;
}

export interface PortfolioStoreOptions {
  portfolioId: string;
  /** What has happened to orders since the page was opened, missed ones included. */
  onEvents: (events: readonly StreamOrderEvent[]) => void;
  /** The connection was lost and is back. */
  onResumed: (reset: boolean) => void;
  onSignedOut: () => void;
}

const settleMs = 150;
const refreshMs = 15_000;
const openStatuses = new Set<Order['status']>(['pending', 'open', 'partially_filled']);

/** One portfolio as it goes: orders and balances from the stream, and what follows from them read again after each change. */
export class PortfolioStore extends Observed {
  readonly portfolioId: string;
  readonly #options: PortfolioStoreOptions;
  readonly #stream: PortfolioStream;
  readonly #leaving = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: PortfolioState = {
    ...{ connection: 'connecting', orders: undefined, balances: undefined, portfolio: undefined },
    ...{ priceCollar: undefined, error: undefined, version: 0 },
  };

  constructor(options: PortfolioStoreOptions) {
    super();
    this.#options = options;
    this.portfolioId = options.portfolioId;
    this.#stream = openPortfolioStream({
      url: streamUrl,
      portfolioId: options.portfolioId,
      onOrders: (orders) => this.#news({ orders: new Map(orders.map((order) => [order.id, order])) }),
      onEvents: (events) => this.#takeEvents(events),
      onBalances: (balances, isAll) => this.#takeBalances(balances, isAll),
      onState: (connection) => this.#become({ connection }),
      onResumed: options.onResumed,
      onEnded: options.onSignedOut,
    });
    this.#refreshIn(0);
    void this.#readCollar();
  }

  state = (): PortfolioState => this.#state;

  /** @throws ProblemError, UnansweredError */
  place(order: NewOrder, idempotencyKey: string): Promise<Order> {
    return this.#asked(this.#stream.placeOrder(order, idempotencyKey).then(({ order: placed }) => placed));
  }

  /** @throws ProblemError, UnansweredError */
  cancel(orderId: string): Promise<Order> {
    return this.#asked(this.#stream.cancelOrder(orderId));
  }

  close(): void {
    this.#leaving.abort();
    clearTimeout(this.#timer);
    this.#stream.close();
  }

  async #asked(answer: Promise<Order>): Promise<Order> {
    try {
      return await answer;
    } catch (error) {
      if (isSignedOut(error)) this.#options.onSignedOut();
      throw error;
    }
  }

  #takeEvents(events: readonly StreamOrderEvent[]): void {
    const orders = new Map(this.#state.orders);
    for (const { order } of events) {
      if (openStatuses.has(order.status)) orders.set(order.id, order);
      else orders.delete(order.id);
    }
    this.#news({ orders });
    this.#options.onEvents(events);
  }

  #takeBalances(balances: readonly StreamBalance[], isAll: boolean): void {
    const before = isAll ? [] : (this.#state.balances ?? []);
    const byAsset = new Map([...before, ...balances].map((balance) => [balance.asset, balance]));
    const sorted = [...byAsset.values()].sort((a, b) => (a.asset < b.asset ? -1 : 1));
    this.#news({ balances: sorted });
  }

  /** Something has happened: what follows from it is read when no more comes for a moment. */
  #news(change: Partial<PortfolioState>): void {
    this.#become({ ...change, version: this.#state.version + 1 });
    this.#refreshIn(settleMs);
  }

  #refreshIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#leaving.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#refresh(), ms);
  }

  async #refresh(): Promise<void> {
    const { version } = this.#state;
    try {
      if (!document.hidden) {
        const portfolio = await api.trading.portfolio(this.portfolioId, this.#leaving.signal);
        const known = this.#state.portfolio;
        // Of two that are asked for at a time, the older may be answered last.
        const isOlder = known !== undefined && portfolio.eventNumber < known.eventNumber;
        this.#become({ error: undefined, ...(isOlder ? {} : { portfolio }) });
      }
    } catch (error) {
      if (this.#leaving.signal.aborted) return;
      if (isSignedOut(error)) return this.#options.onSignedOut();
      this.#become({ error: reasonOf(error).detail });
    }
    if (version === this.#state.version) this.#refreshIn(refreshMs);
  }

  /** Without it a purchase without a price is offered too large a quantity, which the preview says. */
  async #readCollar(): Promise<void> {
    try {
      const { limits } = await api.trading.portfolioRisk(this.portfolioId, this.#leaving.signal);
      this.#become({ priceCollar: limits.priceCollar });
    } catch {
      return;
    }
  }

  #become(change: Partial<PortfolioState>): void {
    if (this.#leaving.signal.aborted) return;
    this.#state = { ...this.#state, ...change };
    this.changed();
  }
}
