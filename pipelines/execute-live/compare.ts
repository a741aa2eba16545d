import { reconcileOrders } from '#core/exchanges/reconcile-orders.ts';
import type { OrderAnswer, VenueFill, VenueOrder } from '#core/exchanges/order-venue.ts';
import { decimalText } from '#core/market/decimal.ts';
import type { VenueDifference } from '#core/trading/live.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { refusal } from './carry.ts';
import { differenceOf, orderMissing, shortBalances } from './differences.ts';
import { bookTold, isAtVenue, liveOrders, type LookOptions } from './look.ts';

/**
 * Compares the portfolio with its account at the venue: books what became of orders that were sent and the fills that are not
 * booked, and reports what booking cannot make good. Nothing may be sent meanwhile.
 * @throws EXCHANGE_UNREACHABLE and what else the venue's answers and booking throw
 */
export async function compareAccount(options: LookOptions): Promise<void> {
  const { venue, books, report, signal } = options;
  const sent = liveOrders(await books.portfolio()).filter(({ live }) => live?.validUntilUs !== undefined);
  const next = await books.nextFillIds();
  const orders = sent.map((order) => ({
    ...{ symbol: order.symbol, clientOrderId: order.id, validUntilUs: order.live?.validUntilUs ?? 0 },
    filledQuantity: decimalText(order.filledQuantity),
  }));
  const found = await reconcileOrders(venue, { orders, nextFillIds: next }, signal);
  const strangers: VenueFill[] = [];
  for (const difference of found.differences)
    if (difference.kind === 'stranger_fill') strangers.push(difference.fill);
    else await report(differenceOf(difference));
  const rejected = sent.flatMap((order) => {
    const answer = found.orders.get(order.id);
    return answer?.kind === 'rejected' ? [{ order, answer }] : [];
  });
  for (const { order, answer } of rejected)
    if (!isAtVenue(order)) await books.book([refusal(order.id, answer)]);
  const portfolio = await books.portfolio();
  for (const [symbol, nextFillId] of next) {
    const fills = [...found.fills, ...strangers].filter((fill) => fill.symbol === symbol);
    fills.sort((a, b) => a.id - b.id);
    const told = { nextFillId, fills, orders: acceptedOf(found.orders) };
    await bookTold(symbol, liveOrders(portfolio, symbol), told, options);
  }
  for (const { order } of rejected) if (isAtVenue(order)) await miss(order.id, options);
}

/** An order that the venue had taken and knows no longer: only who asks for its end says that it is over. */
async function miss(orderId: string, { books, report }: LookOptions): Promise<void> {
  const order = (await books.portfolio()).orders.get(orderId);
  if (order === undefined) return;
  await report(orderMissing(order));
  if (order.live?.cancel === undefined) return;
  const { filledQuantity } = order;
  await books.book([{ kind: 'end_order', orderId, as: 'canceled', filledQuantity }]);
}

function acceptedOf(answers: ReadonlyMap<string, OrderAnswer>): Map<string, VenueOrder> {
  const accepted = new Map<string, VenueOrder>();
  for (const [id, answer] of answers) if (answer.kind === 'accepted') accepted.set(id, answer.order);
  return accepted;
}

/**
 * Of which assets the account has less than the portfolio; undefined where fills came in between, so that it cannot be told.
 * Nothing may be sent meanwhile.
 */
export async function comparedBalances({
  venue,
  books,
  signal,
}: LookOptions): Promise<VenueDifference[] | undefined> {
  const balances = await venue.balances(signal);
  const next = await books.nextFillIds();
  // Others are not filled.
  const symbols = new Set(liveOrders(await books.portfolio()).map(({ symbol }) => symbol));
  for (const [symbol, fromId] of next)
    if (symbols.has(symbol) && (await venue.fills({ symbol, fromId, limit: 1 }, signal)).length > 0)
      return undefined;
  const portfolio: Portfolio = await books.portfolio();
  return shortBalances(portfolio, balances);
}
