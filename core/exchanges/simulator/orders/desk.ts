import { ApiError } from '../answer.ts';
import { bookAt, slotOf, type Side } from '../book.ts';
import { minuteMs, type MarketTape } from '../market-tape.ts';
import type { Account } from './account.ts';
import { isReached, lotsOf, metBy, takesOf, type Take, type TapeTrade } from './match.ts';
import { isOpen, lockedAsset, type SimulatorFill, type SimulatorOrder } from './order.ts';
import type { Terms } from './terms.ts';
import { baseUnits, quoteUnits, type Units } from './units.ts';

/** The orders of all accounts in one market, matched up to an instant of its tape. */
export class MarketDesk {
  readonly tape: MarketTape;
  readonly #onFill: (fill: Omit<SimulatorFill, 'id'>) => void;
  readonly #open = new Map<number, SimulatorOrder>();
  /** The next trade of the tape that meets the orders. */
  #nextId: number;
  /** What was taken of the book that is in force. */
  #taken = { slot: -1, byTicks: new Map<number, number>() };

  constructor(tape: MarketTape, nowMs: number, onFill: (fill: Omit<SimulatorFill, 'id'>) => void) {
    this.tape = tape;
    this.#nextId = tape.nextId(nowMs);
    this.#onFill = onFill;
  }

  get open(): readonly SimulatorOrder[] {
    return [...this.#open.values()];
  }

  /** The price of the last trade. */
  lastTicks(nowMs: number): number {
    const id = this.tape.nextId(nowMs) - 1;
    return id < this.tape.oldestId ? this.tape.market.anchorTicks : this.#tradeOf(id).ticks;
  }

  /** Lets the orders meet the tape as far as it has been played; what has been met is never met again. */
  play(nowMs: number): void {
    const end = this.tape.nextId(nowMs);
    if (this.#open.size === 0) this.#nextId = end;
    for (; this.#nextId < end; this.#nextId++) this.#meet(this.#tradeOf(this.#nextId));
    if (this.tape.isDelisted(nowMs)) for (const order of this.open) this.#end(order, 'EXPIRED', nowMs);
  }

  /** Takes an order, or says no with -1013 or -2010. The tape must have been played up to `nowMs`. */
  place(terms: Terms, account: Account, id: number, nowMs: number): SimulatorOrder {
    const { side, type, stopTicks } = terms;
    if (this.tape.status(nowMs) !== 'TRADING') throw new ApiError(-1013, 'Market is closed.');
    const order: SimulatorOrder = {
      ...terms,
      ...{ id, account, tape: this.tape, clientOrderId: terms.clientOrderId ?? `simulator-${id}` },
      ...{ placedMs: nowMs, updatedMs: nowMs, status: 'NEW', filledLots: 0, filledQuote: 0n, locked: 0n },
      ...{ isWaiting: stopTicks !== undefined, queueLots: 0 },
    };
    if (stopTicks !== undefined && isReached(side === 'BUY', stopTicks, this.lastTicks(nowMs)))
      throw new ApiError(-2010, 'Stop price would trigger immediately.');
    const takes = order.isWaiting ? [] : this.#takes(order, nowMs);
    if (type === 'LIMIT_MAKER' && takes.length > 0)
      throw new ApiError(-2010, 'Order would immediately match and take.');
    if (!this.#lock(order, takes))
      throw new ApiError(-2010, 'Account has insufficient balance for requested action.');
    this.#open.set(id, order);
    if (!order.isWaiting) this.#activate(order, takes, nowMs);
    return order;
  }

  /** Needs the order open. */
  cancel(order: SimulatorOrder, nowMs: number): void {
    this.#end(order, 'CANCELED', nowMs);
  }

  #meet(trade: TapeTrade & { ms: number }): void {
    const resting = this.open.flatMap((order) =>
      order.isWaiting || order.ticks === undefined
        ? []
        : {
            ...{ order, isBuy: order.side === 'BUY', ticks: order.ticks, place: order.id },
            ...{ lots: order.lots - order.filledLots, queueLots: order.queueLots },
          },
    );
    for (const { order: at, lots, queueLots } of metBy(resting, trade)) {
      at.order.queueLots = queueLots;
      if (lots > 0) this.#fill(at.order, { ticks: at.ticks, lots }, { ms: trade.ms, isMaker: true });
    }
    for (const order of this.open) {
      const { isWaiting, stopTicks, side } = order;
      if (!isWaiting || stopTicks === undefined || !isReached(side === 'BUY', stopTicks, trade.ticks))
        continue;
      this.#trigger(order, trade.ms);
    }
  }

  /** A stop order becomes what it stands for; one without a limit buys what its owner can pay. */
  #trigger(order: SimulatorOrder, ms: number): void {
    order.isWaiting = false;
    order.updatedMs = ms;
    const takes = this.#takes(order, ms);
    if (order.ticks === undefined && order.side === 'BUY') {
      this.#release(order);
      const affordable = this.#affordable(takes, order.account.free(lockedAsset(order)));
      this.#lock(order, affordable);
      this.#activate(order, affordable, ms);
    } else {
      this.#activate(order, takes, ms);
    }
  }

  /** Takes what there is, and rests or ends. */
  #activate(order: SimulatorOrder, takes: readonly Take[], ms: number): void {
    const isWhole = lotsOf(takes) === order.lots;
    if (order.timeInForce === 'FOK' && !isWhole) return this.#end(order, 'EXPIRED', ms);
    for (const take of takes) {
      this.#taken.byTicks.set(take.ticks, (this.#taken.byTicks.get(take.ticks) ?? 0) + take.lots);
      this.#fill(order, take, { ms, isMaker: false });
    }
    if (!isOpen(order)) return;
    if (order.ticks === undefined || order.timeInForce === 'IOC') return this.#end(order, 'EXPIRED', ms);
    const own = this.#levels(ms)[order.side === 'BUY' ? 'bids' : 'asks'];
    order.queueLots = own.lots[own.prices.indexOf(order.ticks)] ?? 0;
  }

  #takes({ side, lots, ticks }: SimulatorOrder, ms: number): Take[] {
    const levels = this.#levels(ms)[side === 'BUY' ? 'asks' : 'bids'];
    return takesOf({ isBuy: side === 'BUY', lots, limitTicks: ticks }, levels);
  }

  /** The book without what was taken of it. */
  #levels(ms: number): { bids: Side; asks: Side } {
    const slot = slotOf(ms);
    if (this.#taken.slot !== slot) this.#taken = { slot, byTicks: new Map() };
    const left = ({ prices, lots }: Side): Side => ({
      prices,
      lots: prices.map((ticks, i) => Math.max(0, (lots[i] ?? 0) - (this.#taken.byTicks.get(ticks) ?? 0))),
    });
    const { bids, asks } = bookAt(this.tape, slot);
    return { bids: left(bids), asks: left(asks) };
  }

  #affordable(takes: readonly Take[], budget: Units): Take[] {
    let left = budget;
    return takes.flatMap(({ ticks, lots }) => {
      const most = Number(left / quoteUnits(this.tape.market, ticks, 1));
      const bought = Math.min(lots, most);
      left -= quoteUnits(this.tape.market, ticks, bought);
      return bought === 0 ? [] : { ticks, lots: bought };
    });
  }

  #lock(order: SimulatorOrder, takes: readonly Take[]): boolean {
    const { market } = this.tape;
    const price = order.ticks ?? (order.isWaiting ? order.stopTicks : undefined);
    const units =
      order.side === 'SELL'
        ? baseUnits(market, order.lots)
        : price !== undefined
          ? quoteUnits(market, price, order.lots)
          : takes.reduce((sum, { ticks, lots }) => sum + quoteUnits(market, ticks, lots), 0n);
    if (!order.account.lock(lockedAsset(order), units)) return false;
    order.locked = units;
    return true;
  }

  #fill(order: SimulatorOrder, { ticks, lots }: Take, how: { ms: number; isMaker: boolean }): void {
    const { account, side } = order;
    const { market } = this.tape;
    const quote = quoteUnits(market, ticks, lots);
    const base = baseUnits(market, lots);
    const [gained, feeAsset] = side === 'BUY' ? [base, market.base] : [quote, market.quote];
    const fee = gained / feeShare;
    const used = side === 'BUY' ? quoteUnits(market, order.ticks ?? ticks, lots) : base;
    order.locked -= used;
    account.spend(lockedAsset(order), used);
    // What a better price has spared.
    if (side === 'BUY') account.receive(market.quote, used - quote);
    account.receive(feeAsset, gained - fee);
    order.filledLots += lots;
    order.filledQuote += quote;
    order.updatedMs = how.ms;
    order.status = 'PARTIALLY_FILLED';
    this.#onFill({ order, ticks, lots, quote, fee, feeAsset, timeMs: how.ms, isMaker: how.isMaker });
    if (order.filledLots === order.lots) this.#end(order, 'FILLED', how.ms);
  }

  #end(order: SimulatorOrder, status: SimulatorOrder['status'], ms: number): void {
    order.status = status;
    order.updatedMs = ms;
    this.#release(order);
    this.#open.delete(order.id);
  }

  #release(order: SimulatorOrder): void {
    order.account.unlock(lockedAsset(order), order.locked);
    order.locked = 0n;
  }

  #tradeOf(id: number): TapeTrade & { ms: number } {
    const { minute, index } = this.tape.placeOf(id);
    const { price, lots, offsetMs, buyerIsMaker } = this.tape.trades(minute);
    return {
      ticks: price[index] ?? 0,
      lots: lots[index] ?? 0,
      buyerIsMaker: buyerIsMaker[index] === 1,
      ms: minute * minuteMs + (offsetMs[index] ?? 0),
    };
  }
}

/** Every fill costs a thousandth of what it brings, as at the exchange without discounts. */
const feeShare = 1_000n;
