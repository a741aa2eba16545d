import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import { backOffMs } from '#core/platform/back-off.ts';
import { isTicklakeError, toTicklakeError, type TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { needOf } from '#core/trading/live-need.ts';
import type { VenueDifference } from '#core/trading/live.ts';
import type { Order } from '#core/trading/order.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import type { Books } from './books.ts';
import { carry } from './carry.ts';
import { compareAccount, comparedBalances } from './compare.ts';
import type { LiveMetrics } from './live-metrics.ts';
import { liveOrders, lookAt } from './look.ts';
import type { LiveTiming } from './timing.ts';

export interface TendOptions {
  venue: OrderVenue;
  books: Books;
  timing: LiveTiming;
  metrics: LiveMetrics;
  logger: Logger;
  /** Ends it. */
  signal: AbortSignal;
}

/** Orders that are on their way to the venue, or being asked for, at once. */
const carriedMax = 8;
const retryMs = { firstMs: 200, maxMs: 10_000 };
/** A cancel that was answered is asked for again where the order is still open after so long. */
const cancelAgainMs = 5_000;
/** What was not sent for a while may be made up for at once. */
const burstMs = 1_000;

/**
 * Tends the account's orders until the signal: compares with the venue first, every minute, and after each loss of connection;
 * between, carries each order on, and looks at one market after the other.
 * @throws FENCED where another process has taken the account
 */
export async function tend(options: TendOptions): Promise<void> {
  const { venue, books, timing, metrics, logger, signal } = options;
  const carried = new Map<string, Promise<void>>();
  const notBefore = new Map<string, { failures: number; atMs: number }>();
  /** Markets that are looked at before the others, and those that come next. */
  const due = new Set<string>();
  let turn: string[] = [];
  let looking: Promise<void> | undefined;
  let lookAtMs = 0;
  let compareAtMs = 0;
  let compareFailures = 0;
  let shortBefore = new Set<string>();
  let fenced: TicklakeError | undefined;
  let portfolio: Portfolio | undefined;
  /** What was read while an order was carried on may be as it was before. */
  let carriedOn = 0;
  let sendAtMs = 0;

  while (!signal.aborted) {
    try {
      if (performance.now() >= compareAtMs) await compare();
      else await advance();
    } catch (error) {
      onFailure(error, 'the account is tended again in a moment');
      await pause(backOffMs(1, retryMs));
    }
    if (fenced !== undefined) break;
    await pause(timing.tickMs);
  }
  await Promise.allSettled([...carried.values(), looking]);
  if (fenced !== undefined) throw fenced;

  async function advance(): Promise<void> {
    const before = carriedOn;
    const known = portfolio;
    const isKnown = known !== undefined && (await books.newest()) === known.number;
    const current = isKnown ? known : await books.portfolio();
    if (before !== carriedOn) return;
    portfolio = current;
    const orders = liveOrders(current);
    for (const id of notBefore.keys()) if (!current.orders.has(id)) notBefore.delete(id);
    metrics.orders.set(orders.length);
    const nowMs = performance.now();
    for (const order of orders) start(order, nowMs);
    if (looking !== undefined || nowMs < lookAtMs) return;
    const symbol = nextSymbol(orders);
    if (symbol === undefined) return;
    lookAtMs = nowMs + timing.lookEveryMs;
    looking = look(symbol).finally(() => (looking = undefined));
  }

  function start(order: Order, nowMs: number): void {
    const need = needOf(order);
    if (need === undefined || need === 'watch' || carried.has(order.id) || carried.size >= carriedMax) return;
    if (nowMs < (notBefore.get(order.id)?.atMs ?? 0)) return;
    if (need === 'send') {
      if (nowMs < sendAtMs) return;
      sendAtMs = Math.max(sendAtMs, nowMs - burstMs) + timing.sendEveryMs;
    }
    carried.set(
      order.id,
      carryOn(order, need).finally(() => carried.delete(order.id)),
    );
  }

  async function carryOn(order: Order, need: 'send' | 'settle' | 'cancel'): Promise<void> {
    try {
      const isForVenue = await carry(order, need, {
        venue,
        books,
        signal,
        sendWithinMs: timing.sendWithinMs,
      });
      if (isForVenue) due.add(order.symbol);
      // What is known is read with the next event; a cancel writes none.
      if (need === 'cancel') wait(order, 0, cancelAgainMs);
      else notBefore.delete(order.id);
      metrics.carried.inc({ need, result: 'ok' });
    } catch (error) {
      const failures = (notBefore.get(order.id)?.failures ?? 0) + 1;
      wait(order, failures, backOffMs(failures, retryMs));
      metrics.carried.inc({
        need,
        result: onFailure(error, `order ${order.id} is carried on in a moment`).code,
      });
    }
    // Whether it was booked is read again, also where that was not answered.
    carriedOn += 1;
    portfolio = undefined;
  }

  function wait({ id }: Order, failures: number, ms: number): void {
    notBefore.set(id, { failures, atMs: performance.now() + ms });
  }

  function nextSymbol(orders: readonly Order[]): string | undefined {
    const [first] = due;
    if (first !== undefined) {
      due.delete(first);
      return first;
    }
    const symbols = new Set(
      orders.flatMap(({ symbol, live }) => (live?.venueOrderId === undefined ? [] : symbol)),
    );
    turn = turn.filter((symbol) => symbols.delete(symbol));
    turn.push(...symbols);
    const next = turn.shift();
    if (next !== undefined) turn.push(next);
    return next;
  }

  async function look(symbol: string): Promise<void> {
    try {
      const isUnfinished = await lookAt(symbol, { venue, books, report, signal });
      if (isUnfinished) due.add(symbol);
      metrics.looks.inc({ result: 'ok' });
    } catch (error) {
      due.add(symbol);
      lookAtMs = performance.now() + backOffMs(3, retryMs);
      metrics.looks.inc({ result: onFailure(error, `${symbol} is looked at again in a moment`).code });
    }
  }

  /** With nothing on its way: what is sent meanwhile would be a stranger's. */
  async function compare(): Promise<void> {
    await Promise.allSettled([...carried.values(), looking]);
    if (fenced !== undefined || signal.aborted) return;
    try {
      await compareAccount({ venue, books, report, signal });
      await compareBalances();
      compareFailures = 0;
      compareAtMs = performance.now() + timing.compareEveryMs;
      metrics.compared.inc({ result: 'ok' });
    } catch (error) {
      const { code: result } = onFailure(error, 'the account is compared again in a moment');
      metrics.compared.inc({ result });
      compareFailures += 1;
      compareAtMs = performance.now() + backOffMs(compareFailures, retryMs);
      // Nothing is carried on before the account was compared.
      await pause(compareAtMs - performance.now());
    }
    portfolio = undefined;
  }

  /** What is short twice in a row is: once may be a fill that the venue had not shown yet. */
  async function compareBalances(): Promise<void> {
    const short = await comparedBalances({ venue, books, report, signal });
    if (short === undefined) return;
    for (const difference of short) if (shortBefore.has(difference.key)) await report(difference);
    shortBefore = new Set(short.map(({ key }) => key));
  }

  async function report(difference: VenueDifference): Promise<void> {
    if (!(await books.report(difference))) return;
    metrics.differences.inc({ kind: difference.kind });
    logger.error({ difference }, 'the exchange and the books differ');
  }

  function onFailure(error: unknown, message: string): TicklakeError {
    const failure = toTicklakeError(error);
    if (isTicklakeError(failure, 'FENCED')) fenced = failure;
    else if (isTicklakeError(failure, 'EXCHANGE_UNREACHABLE')) compareAtMs = 0;
    if (!signal.aborted) logger.warn({ err: failure }, message);
    return failure;
  }

  async function pause(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
  }
}
