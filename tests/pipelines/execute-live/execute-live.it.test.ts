import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { decimalText, parseDecimal } from '#core/market/decimal.ts';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import { isOver } from '#core/trading/open-orders.ts';
import type { Live } from '#pipelines/execute-live/role.ts';
import { openLiveGround, type LiveGround } from './ground.ts';

const timeout = 120_000;
let ground: LiveGround;
const running: Live[] = [];

beforeEach(async () => {
  ground = await openLiveGround();
}, timeout);
afterEach(async () => {
  for (const live of running.splice(0)) await live.close();
  await ground.close();
}, timeout);

function start(...options: Parameters<LiveGround['start']>): Live {
  const live = ground.start(...options);
  running.push(live);
  return live;
}

const market = { type: 'market', timeInForce: 'IOC' } as const;

it(
  'orders go to the venue once, and their fills are booked with the fee that it took',
  { timeout },
  async () => {
    start();
    const bought = await ground.place(market);
    const { filledQuote, fees } = await ground.until(bought, ({ status }) => status === 'filled');
    expect(await ground.history(bought)).toEqual([
      ...['order_accepted', 'order_sent', 'order_activated'],
      ...(await ground.history(bought)).filter((type) => type === 'order_filled'),
    ]);
    const { balances, holdings } = await ground.portfolio();
    expect(decimalText(balances.get('BTC')?.available ?? parseDecimal('0'))).toBe('2.001998');
    expect(decimalText(holdings.get('BTC/USDT')?.quantity ?? parseDecimal('0'))).toBe('0.001998');
    expect(holdings.get('BTC/USDT')?.cost).toBe(filledQuote);
    expect(Number(decimalText(fees)) / Number(decimalText(filledQuote))).toBeCloseTo(0.001, 6);
    const sold = await ground.place({ ...market, side: 'sell' });
    await ground.until(sold, ({ status }) => status === 'filled');
    const { orders } = await ground.opened.truth();
    expect(orders.map(({ clientOrderId }) => clientOrderId)).toEqual([bought, sold]);
    expect(await ground.problems()).toEqual([]);
  },
);

it('a cancel holds the money until the venue has ended the order', { timeout }, async () => {
  const resting = await ground.place();
  const unsent = await ground.place();
  await ground.submit({ kind: 'cancel_order', orderId: unsent, reason: 'requested' });
  start();
  const { held } = await ground.until(resting, ({ live }) => live?.venueOrderId !== undefined);
  const events = await ground.submit({ kind: 'cancel_order', orderId: resting, reason: 'requested' });
  expect(events).toMatchObject([{ type: 'order_cancel_requested', order: { held, status: 'open' } }]);
  await ground.until(resting, ({ status }) => status === 'canceled');
  expect(await ground.history(resting)).toEqual([
    ...['order_accepted', 'order_sent', 'order_activated', 'order_cancel_requested', 'order_canceled'],
  ]);
  expect(await ground.history(unsent)).toEqual(['order_accepted', 'order_canceled']);
  expect((await ground.opened.truth()).orders).toHaveLength(1);
  expect(await ground.problems()).toEqual([]);
});

it('a dead-man’s switch ends what is at the venue', { timeout }, async () => {
  start();
  const ids = [await ground.place(), await ground.place()];
  for (const id of ids) await ground.until(id, ({ live }) => live?.venueOrderId !== undefined);
  await ground.submit({ kind: 'cancel_all', reason: 'kill_switch' });
  for (const id of ids) await ground.until(id, ({ status }) => status === 'canceled');
  expect(await ground.problems()).toEqual([]);
});

it('what the venue refuses goes back, and says why', { timeout }, async () => {
  // The account has less than the portfolio believes.
  const amount = parseDecimal('1000000');
  await ground.submit({ kind: 'deposit', id: 'more', asset: 'USDT', amount });
  start();
  const id = await ground.place({ quantity: parseDecimal('8') });
  const { held } = await ground.until(id, ({ status }) => status === 'rejected');
  expect(decimalText(held)).toBe('0');
  const { rows } = await ground.database.query<{ code: string }>(
    'select reject_code as code from trading.orders where order_id = $1',
    [id],
  );
  expect(rows).toEqual([{ code: 'INSUFFICIENT_BALANCE' }]);
});

it('an order that was marked is never sent again: what became of it is asked for', { timeout }, async () => {
  const id = await ground.place();
  const validUntilUs = Math.floor(await ground.opened.venue.nowUs()) + 500_000;
  await ground.submit({ kind: 'execute_live', steps: [{ kind: 'send_order', orderId: id, validUntilUs }] });
  await ground.database.query('insert into trading.live_fills values ($1, $2, 0)', [
    ...[ground.opened.simulator.source, 'BTCUSDT'],
  ]);
  start();
  await ground.until(id, ({ status }) => status === 'rejected');
  expect((await ground.opened.truth()).orders).toEqual([]);
  expect(await ground.problems()).toEqual([]);
});

it(
  'over lost answers, late orders and processes that take over, the books are the venue’s',
  { timeout },
  async () => {
    const { simulator } = ground.opened;
    for (const fault of [
      { kind: 'lost-answer', probability: 0.2 },
      { kind: 'late', probability: 0.2, delayMs: 900 },
      { kind: '5xx', probability: 0.1 },
    ])
      await simulator.fault({ ...fault, durationMs: 3_600_000 });
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      const live = start();
      for (let index = 0; index < 3; index++) {
        ids.push(await ground.place({ ...market, side: index === 1 ? 'sell' : 'buy' }), await ground.place());
        const orderId = ids.at(-1) ?? '';
        if (index > 0) await ground.submit({ kind: 'cancel_order', orderId, reason: 'requested' });
      }
      await ground.until(
        ids.at(-4) ?? '',
        (order) => order.live?.validUntilUs !== undefined || isOver(order),
      );
      await live.close();
    }
    await simulator.mend();
    start();
    await ground.submit({ kind: 'cancel_all', reason: 'requested' });
    for (const id of ids) await ground.until(id, isOver);
    expect(await ground.problems()).toEqual([]);
    expect(await ground.events('venue_differs')).toBe(0);
    const sent = (await ground.opened.truth()).orders.map(({ clientOrderId }) => clientOrderId);
    expect(new Set(sent).size).toBe(sent.length);
  },
);

it('a stranger’s order is told once, and halts the portfolio', { timeout }, async () => {
  const { venue, best } = ground.opened;
  const live = start(venue, { compareEveryMs: 300 });
  const mine = await ground.place();
  await ground.until(mine, ({ live: is }) => is?.venueOrderId !== undefined);
  const { ask } = await best();
  const terms = { side: 'buy', type: 'limit', timeInForce: 'GTC', quantity: '0.00200' } as const;
  const theirs = { ...terms, ...(await ground.opened.meant('theirs')) };
  await venue.place({ ...theirs, price: (ask * 0.9).toFixed(2) });
  await vi.waitFor(async () => expect((await ground.portfolio()).risk).toBe('halted'), { timeout: 20_000 });
  await live.close();
  const again = start(venue, { compareEveryMs: 300 });
  const compared = async () =>
    (await ground.metrics.registry.getSingleMetric('ticklake_live_compared_total')?.get())?.values[0]
      ?.value ?? 0;
  const before = await compared();
  await vi.waitFor(async () => expect(await compared()).toBeGreaterThan(before + 2), { timeout: 20_000 });
  expect(await ground.events('venue_differs')).toBe(1);
  await again.close();
  expect((await ground.order(mine)).status).toBe('open');
});

it(
  'an order that the venue no longer knows halts the portfolio, and is over once it is cancelled',
  { timeout },
  async () => {
    const { venue } = ground.opened;
    const live = start();
    const id = await ground.place();
    await ground.until(id, (order) => order.live?.venueOrderId !== undefined);
    await live.close();
    const reason = 'the exchange does not know it';
    const gone = { kind: 'rejected', code: 'NOT_OPEN', message: reason } as const;
    const forgetful: OrderVenue = {
      ...venue,
      openOrders: () => Promise.resolve([]),
      order: () => Promise.resolve(undefined),
      settle: () => Promise.resolve({ kind: 'rejected', code: 'NOT_TAKEN', message: reason }),
      cancel: () => Promise.resolve(gone),
    };
    start(forgetful, { compareEveryMs: 200 });
    await vi.waitFor(async () => expect((await ground.portfolio()).risk).toBe('halted'), { timeout: 20_000 });
    expect(await ground.order(id)).toMatchObject({ status: 'open' });
    await ground.submit({ kind: 'cancel_order', orderId: id, reason: 'requested' });
    expect(decimalText((await ground.until(id, isOver)).held)).toBe('0');
    expect(await ground.events('venue_differs')).toBe(1);
  },
);

it('one process at a time acts for the account, and the next one takes over', { timeout }, async () => {
  const first = start();
  const id = await ground.place();
  await ground.until(id, ({ live }) => live?.venueOrderId !== undefined);
  const { rows: before } = await ground.database.query('select epoch from trading.live_accounts');
  start();
  const other = await ground.place();
  await ground.until(other, ({ live }) => live?.venueOrderId !== undefined);
  expect((await ground.database.query('select epoch from trading.live_accounts')).rows).toEqual(before);
  await first.close();
  const third = await ground.place();
  await ground.until(third, ({ live }) => live?.venueOrderId !== undefined);
  expect((await ground.database.query('select epoch from trading.live_accounts')).rows).not.toEqual(before);
  expect(await ground.problems()).toEqual([]);
});
