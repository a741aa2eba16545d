/**
 * The paper venue once more, written from its rules and not from its code: whole numbers of ticks and steps, one step of
 * quantity at a time. Slow, and simple enough to be seen to be right.
 */
export interface SlowOrder {
  id: string;
  side: 'buy' | 'sell';
  limit: number | undefined;
  stop: number | undefined;
  remaining: number;
  timeInForce: 'GTC' | 'IOC' | 'FOK';
  postOnly: boolean;
  state: 'new' | 'waiting' | 'resting' | 'over';
  ahead: number;
  /** What a purchase may still cost with its fee, in thousandths of tick times step. */
  purse: number;
}

export interface SlowTrade {
  id: number;
  price: number;
  steps: number;
  taker: 'buy' | 'sell';
}

/** Steps of quantity by price. */
export interface SlowBook {
  bids: Map<number, number>;
  asks: Map<number, number>;
}

/** Prices with the taker's fee and with slippage: a thousandth each. */
const withFee = 1001;

export class SlowVenue {
  readonly orders: SlowOrder[] = [];
  /** Steps by order, price and trade. */
  readonly fills = new Map<string, number>();
  last = { id: 10, price: 10_000 };

  /** Orders that are new meet the market; those whose stop price the last price has not reached begin to wait. */
  meet(book: SlowBook | undefined): void {
    const left = book && { bids: new Map(book.bids), asks: new Map(book.asks) };
    const news = this.orders.filter(({ state }) => state === 'new');
    for (const order of news) {
      const hasToWait = order.stop !== undefined && !isStopped(order, this.last.price);
      if (hasToWait) this.#begin(order, 'waiting', 0);
      else this.#take(order, left);
    }
  }

  trade(trade: SlowTrade, book: SlowBook | undefined): void {
    this.last = { id: trade.id, price: trade.price };
    const triggered = this.orders.filter(
      (order) => order.state === 'waiting' && isStopped(order, trade.price),
    );
    const queue = this.orders.filter((order) => order.state === 'resting' && isReached(order, trade.price));
    queue.sort((a, b) => rank(a, trade) - rank(b, trade));
    for (const order of queue) if (order.limit !== trade.price) order.ahead = 0;
    for (let step = 0; step < trade.steps; step += 1)
      for (const order of queue) {
        if (order.remaining === 0) continue;
        if (order.ahead === 0) {
          this.#fill(order, trade.id, order.limit ?? trade.price);
          break;
        }
        order.ahead -= 1;
      }
    const left = book && { bids: new Map(book.bids), asks: new Map(book.asks) };
    for (const order of triggered) this.#take(order, left);
  }

  #take(order: SlowOrder, book: SlowBook | undefined): void {
    const levels = book === undefined ? this.#slipped(order) : sorted(book, order.side);
    const inReach = levels.filter(({ price }) => !isWorse(order, price));
    if (order.postOnly) {
      this.#begin(order, inReach.length > 0 ? 'over' : 'resting', standing(book, order));
      return;
    }
    const taken: number[] = [];
    let purse = order.purse;
    for (const { price, steps } of inReach)
      for (let step = 0; step < steps && taken.length < order.remaining; step += 1) {
        if (order.side === 'buy' && purse < price * withFee) break;
        purse -= price * withFee;
        taken.push(price);
      }
    const isAll = taken.length === order.remaining;
    this.#begin(order, 'resting', taken.length === 0 ? standing(book, order) : 0);
    if (order.timeInForce === 'FOK' && !isAll) {
      order.state = 'over';
      return;
    }
    for (const price of taken) {
      this.#fill(order, this.last.id, price);
      const side = order.side === 'buy' ? book?.asks : book?.bids;
      side?.set(price, (side.get(price) ?? 0) - 1);
    }
    if (order.timeInForce === 'IOC' || order.limit === undefined) order.state = 'over';
  }

  #begin(order: SlowOrder, state: SlowOrder['state'], ahead: number): void {
    order.state = state;
    order.ahead = ahead;
  }

  #fill(order: SlowOrder, tradeId: number, price: number): void {
    order.remaining -= 1;
    order.purse -= price * withFee;
    if (order.remaining === 0) order.state = 'over';
    const fill = `${order.id} at ${price} by ${tradeId}`;
    this.fills.set(fill, (this.fills.get(fill) ?? 0) + 1);
  }

  /** Without a book: any quantity a thousandth worse than the last price, in ticks, and never worse than the order's own. */
  #slipped(order: SlowOrder) {
    const { price } = this.last;
    if (isWorse(order, price)) return [];
    const worse = order.side === 'buy' ? Math.ceil((price * 1001) / 1000) : Math.floor((price * 999) / 1000);
    const own = order.limit ?? worse;
    const pays = order.side === 'buy' ? Math.min(worse, own) : Math.max(worse, own);
    return [{ price: pays, steps: Infinity }];
  }
}

function isStopped({ side, stop = 0 }: SlowOrder, price: number): boolean {
  return side === 'buy' ? price >= stop : price <= stop;
}

function isReached({ side, limit = 0 }: SlowOrder, price: number): boolean {
  return side === 'buy' ? price <= limit : price >= limit;
}

function isWorse({ side, limit }: SlowOrder, price: number): boolean {
  return limit !== undefined && (side === 'buy' ? price > limit : price < limit);
}

/** The side the taker met, then the better price; the sort keeps the order of placement. */
function rank({ side, limit = 0 }: SlowOrder, { taker }: SlowTrade): number {
  return (side === taker ? 1e9 : 0) + (side === 'buy' ? -limit : limit);
}

function sorted(book: SlowBook, side: 'buy' | 'sell') {
  const levels = [...(side === 'buy' ? book.asks : book.bids)].filter(([, steps]) => steps > 0);
  levels.sort(([a], [b]) => (side === 'buy' ? a - b : b - a));
  return levels.map(([price, steps]) => ({ price, steps }));
}

function standing(book: SlowBook | undefined, { side, limit = -1 }: SlowOrder): number {
  return (side === 'buy' ? book?.bids : book?.asks)?.get(limit) ?? 0;
}
