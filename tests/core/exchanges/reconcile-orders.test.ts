import { describe, expect, it } from 'vitest';
import type { OrderAnswer } from '#core/exchanges/order-venue.ts';
import { reconcileOrders, type KnownOrder } from '#core/exchanges/reconcile-orders.ts';
import { openVenue, type OpenedVenue } from './binance/orders/support.ts';

const limit = { side: 'buy', type: 'limit', timeInForce: 'GTC', quantity: '0.00200' } as const;
const far = { ...limit, price: '50000.00' };
const all = new Map([['BTCUSDT', 0]]);

async function place(
  { venue, meant }: OpenedVenue,
  clientOrderId: string,
  terms: object,
): Promise<KnownOrder> {
  const order = { ...far, ...terms, ...(await meant(clientOrderId)) };
  const answer = await venue.place(order);
  if (answer.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(answer)}`);
  return { ...order, filledQuantity: '0' };
}

const statusOf = (answer: OrderAnswer | undefined) =>
  answer?.kind === 'accepted' ? answer.order.status : answer?.kind;

describe.concurrent('after a loss of connection', { timeout: 120_000 }, () => {
  it('what became of every order is known, and every fill is told once', async () => {
    await using opened = await openVenue({ lagMs: 100 });
    const { venue, truth, meant } = opened;
    const { ask } = await opened.best();
    const rests = await place(opened, 'rests', {});
    const filled = await place(opened, 'filled', { price: (ask * 1.01).toFixed(2) });
    const canceled = await place(opened, 'canceled', {});
    await venue.cancel(canceled);
    // Written down, and lost before it was sent.
    const unsent = { ...(await meant('unsent', 300)), filledQuantity: '0' };
    const known = [rests, filled, canceled, unsent];
    const { orders, fills, differences } = await reconcileOrders(venue, { orders: known, nextFillIds: all });
    expect(known.map(({ clientOrderId }) => statusOf(orders.get(clientOrderId)))).toEqual([
      ...['open', 'filled', 'canceled', 'rejected'],
    ]);
    expect(differences).toEqual([]);
    expect(fills.length).toBeGreaterThan(0);
    expect(fills.map(({ id }) => id)).toEqual((await truth()).fills.map(({ id }) => id));

    const booked = [rests, { ...filled, filledQuantity: limit.quantity }];
    const next = new Map([['BTCUSDT', (fills.at(-1)?.id ?? 0) + 1]]);
    const again = await reconcileOrders(venue, { orders: booked, nextFillIds: next });
    expect(again).toMatchObject({ fills: [], differences: [] });
  });

  it('what is booked otherwise than the venue has it is told', async () => {
    await using opened = await openVenue({ lagMs: 100 });
    const { ask } = await opened.best();
    const filled = await place(opened, 'filled', { price: (ask * 1.01).toFixed(2) });
    const short = { orders: [{ ...filled, filledQuantity: '0.001' }], nextFillIds: all };
    const { differences } = await reconcileOrders(opened.venue, short);
    expect(differences).toEqual([
      expect.objectContaining({ kind: 'fills_differ', added: '0.002' }) as unknown,
    ]);
  });

  it('orders and fills of somebody else with the same key are told, and not booked', async () => {
    await using opened = await openVenue({ lagMs: 100 });
    const { ask } = await opened.best();
    await place(opened, 'theirs-rests', {});
    await place(opened, 'theirs-filled', { price: (ask * 1.01).toFixed(2) });
    const { fills, differences } = await reconcileOrders(opened.venue, { orders: [], nextFillIds: all });
    expect(fills).toEqual([]);
    const kinds = new Set(differences.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['stranger_order', 'stranger_fill']));
  });

  it('an order that cannot be asked for is told as unknown', async () => {
    await using opened = await openVenue();
    const order = { ...(await opened.meant('lost')), filledQuantity: '0' };
    const reason = 'no answer';
    const venue = { ...opened.venue, settle: () => Promise.resolve({ kind: 'unknown' as const, reason }) };
    const { orders, differences } = await reconcileOrders(venue, { orders: [order], nextFillIds: all });
    expect(statusOf(orders.get('lost'))).toBe('unknown');
    expect(differences).toEqual([{ kind: 'unknown_order', order, reason }]);
  });
});
