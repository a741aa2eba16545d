import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { OrderAnswer, VenueOrder, VenueOrderRequest } from '#core/exchanges/order-venue.ts';
import { Random } from '#core/exchanges/simulator/random.ts';
import { startRoad } from './road.ts';
import { openVenue, type OpenedVenue } from './support.ts';

/** Short, so that what a lost answer costs is short; a slow machine only makes more answers late. */
const hasty = { timeoutMs: 400, recvWindowMs: 20_000, lagMs: 400, patienceMs: 20_000 };
/** Time that an order is to be taken in, where the test waits until it is over. */
const shortMs = 1_500;
const patient = { timeout: 120_000 };

/** Far from the market, so that it rests. */
async function resting({ meant }: OpenedVenue, forMs = 20_000): Promise<VenueOrderRequest> {
  const order = { side: 'buy', type: 'limit_maker', price: '50000.00', quantity: '0.00100' } as const;
  return { ...order, ...(await meant('mine', forMs)) };
}

const isMine = { kind: 'accepted', order: { clientOrderId: 'mine', status: 'open' } };
const isNone = { kind: 'rejected', code: 'NOT_TAKEN' };

describe.concurrent('an order whose answer is lost', patient, () => {
  it.each(['lost-answer', 'no-answer', '5xx-after'])('by %s: it was accepted', async (kind) => {
    await using opened = await openVenue(hasty);
    await opened.simulator.fault({ kind });
    expect(await opened.venue.place(await resting(opened))).toMatchObject(isMine);
    expect((await opened.truth()).orders).toHaveLength(1);
    expect(await opened.figure('ticklake_order_venue_asked_total', 'result="accepted"')).toBe(1);
    expect(await opened.figure('ticklake_order_venue_asking')).toBe(0);
  });

  it('by a venue that failed before: it was not, and is not later', async () => {
    await using opened = await openVenue(hasty);
    const order = await resting(opened, shortMs);
    await opened.simulator.fault({ kind: '5xx' });
    expect(await opened.venue.place(order)).toMatchObject(isNone);
    expect((await opened.truth()).orders).toEqual([]);
  });

  it('as it is still on its way when we ask: it is known once it has come', async () => {
    await using opened = await openVenue({ ...hasty, timeoutMs: 200 });
    const order = await resting(opened);
    await opened.simulator.fault({ kind: 'late', delayMs: 900 });
    expect(await opened.venue.place(order)).toMatchObject(isMine);
    expect((await opened.truth()).orders).toHaveLength(1);
  });

  it('as it comes after its time: the venue does not take it, and we know', async () => {
    await using opened = await openVenue({ ...hasty, timeoutMs: 200 });
    await opened.simulator.fault({ kind: 'late', delayMs: 3_000 });
    const order = await resting(opened, shortMs);
    expect(await opened.venue.place(order)).toMatchObject(isNone);
    await sleep(3_200);
    expect((await opened.truth()).orders).toEqual([]);
    expect(await opened.venue.settle(order)).toMatchObject(isNone);
  });

  it('as the venue does not show it at first: it is not given up', async () => {
    await using opened = await openVenue({ ...hasty, lagMs: 5_000 });
    const order = await resting(opened);
    await opened.simulator.fault({ kind: 'lost-answer' });
    await opened.simulator.fault({ kind: 'lag', delayMs: 2_000, durationMs: 600_000 });
    expect(await opened.venue.place(order)).toMatchObject(isMine);
  });

  it('by a venue that is out of reach from then on: it is told as unknown, and known later', async () => {
    await using opened = await openVenue();
    await using road = await startRoad(opened.simulator.url);
    const venue = opened.venueAt(road.url, { patienceMs: 300 });
    const order = await resting(opened);
    road.endsAfter('POST');
    expect((await venue.place(order)).kind).toBe('unknown');
    expect((await venue.settle(order)).kind).toBe('unknown');
    // Whoever reaches it learns what became of the order.
    expect(await opened.venue.settle(order)).toMatchObject(isMine);
    expect((await opened.truth()).orders).toHaveLength(1);
  });

  it('and that is sent twice all the same, is one order', async () => {
    await using opened = await openVenue();
    const order = await resting(opened);
    const [first, second] = [await opened.venue.place(order), await opened.venue.place(order)];
    expect(first).toMatchObject(isMine);
    expect(second).toEqual(first);
    expect((await opened.truth()).orders).toHaveLength(1);
  });
});

describe.concurrent('a cancel whose answer is lost', patient, () => {
  const kinds = ['lost-answer', 'no-answer', '5xx-after', '5xx', '429'];
  it.each(kinds)('by %s: the order is known to be over', async (kind) => {
    await using opened = await openVenue({ ...hasty, limits: { maxWaitMs: 5_000 } });
    const { symbol, clientOrderId } = accepted(await opened.venue.place(await resting(opened)));
    await opened.simulator.fault({ kind });
    expect(await opened.venue.cancel({ symbol, clientOrderId })).toMatchObject({
      ...{ kind: 'accepted', order: { clientOrderId: 'mine', status: 'canceled' } },
    });
    expect((await opened.truth()).orders.map(({ status }) => status)).toEqual(['CANCELED']);
  });
});

describe.concurrent('orders through random faults', patient, () => {
  it.each([1, 2])('end as the venue has them, each once (seed %i)', async (seed) => {
    await using opened = await openVenue({ ...hasty, limits: { maxWaitMs: 5_000 } }, { rate: 20 });
    const { venue, simulator, truth } = opened;
    await troubled(opened, new Random(seed));
    const { ask } = await opened.best();
    const answers = new Map<string, OrderAnswer>();
    const place = async (i: number) => {
      const request = { ...around(ask, i), ...(await opened.meant(`${seed}-${i}`, shortMs)) };
      let answer = await venue.place(request);
      for (let tries = 0; answer.kind === 'unknown' && tries < 10; tries++)
        answer = await venue.settle(request);
      answers.set(request.clientOrderId, answer);
    };
    const all = Array.from({ length: 24 }, (_, i) => i);
    for (let i = 0; i < all.length; i += 6) await Promise.all(all.slice(i, i + 6).map(place));
    await simulator.mend();

    const kinds = Map.groupBy(answers, ([, { kind }]) => kind);
    const taken = (kinds.get('accepted') ?? []).map(([id]) => id);
    expect(kinds.get('unknown')).toBeUndefined();
    expect(taken.length).toBeGreaterThan(0);
    expect((await truth()).orders.map(({ clientOrderId }) => clientOrderId).sort()).toEqual(taken.sort());

    const canceled = await Promise.all(
      (await venue.openOrders('BTCUSDT')).map((order) => venue.cancel(order)),
    );
    expect(canceled.filter(({ kind }) => kind === 'unknown')).toEqual([]);
    expect(await venue.openOrders()).toEqual([]);
    const fills = await venue.fills({ symbol: 'BTCUSDT', fromId: 0 });
    expect(fills.map(({ id, venueOrderId }) => [id, venueOrderId])).toEqual(
      (await truth()).fills.map(({ id, orderId }) => [id, orderId]),
    );
    expect((await venue.balances()).map(({ locked }) => locked)).toEqual(['0.00000000', '0.00000000']);
  });
});

/** A quarter of what may fail does. Some orders come after their time; none is hidden for longer than is waited for. */
async function troubled({ simulator }: OpenedVenue, random: Random): Promise<void> {
  const delays = [
    ['late', 100 + random.below(1_200)],
    ['lag', hasty.lagMs - 100],
  ] as const;
  for (const [kind, delayMs] of delays)
    await simulator.fault({ kind, delayMs, probability: 0.25, durationMs: 600_000 });
  for (const kind of ['lost-answer', 'no-answer', '5xx-after', '5xx'])
    await simulator.fault({ kind, probability: 0.25, durationMs: 600_000 });
}

/** Of three orders one takes at once; the others rest, or take with a limit. */
function around(ask: number, i: number) {
  const isBuy = i % 2 === 0;
  const common = { side: isBuy ? ('buy' as const) : ('sell' as const), quantity: '0.00200' };
  if (i % 3 === 0) return { ...common, type: 'market' as const };
  const price = (ask + (isBuy ? -50 : 50)).toFixed(2);
  return { ...common, type: 'limit' as const, price, timeInForce: 'GTC' as const };
}

function accepted(answer: OrderAnswer): VenueOrder {
  if (answer.kind === 'accepted') return answer.order;
  throw new Error(`not accepted: ${JSON.stringify(answer)}`);
}
