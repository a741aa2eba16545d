import { describe, expect, it } from 'vitest';
import { ApiError, Query } from '#core/exchanges/simulator/answer.ts';
import type { Account, SimulatorAccount } from '#core/exchanges/simulator/orders/account.ts';
import { ExchangeOrders } from '#core/exchanges/simulator/orders/exchange-orders.ts';
import { isOpen, lockedAsset, type SimulatorOrder } from '#core/exchanges/simulator/orders/order.ts';
import { orderTypes, termsOf, timesInForce } from '#core/exchanges/simulator/orders/terms.ts';
import { unitsOf } from '#core/exchanges/simulator/orders/units.ts';
import { bookAt, slotOf } from '#core/exchanges/simulator/book.ts';
import { Random } from '#core/exchanges/simulator/random.ts';
import { Tape } from '#core/exchanges/simulator/tape.ts';

const customer = (apiKey: string, balances: Record<string, string>): SimulatorAccount => {
  return { apiKey, type: 'hmac', verifyKey: 'secret', balances };
};
const startMs = Date.parse('2024-03-05T11:22:33.456Z');

function open(...accounts: SimulatorAccount[]) {
  const clock = { ms: startMs };
  const tape = new Tape({ seed: 42, symbols: 3, rate: 20 });
  const orders = new ExchangeOrders({ tape, nowMs: () => clock.ms, accounts });
  const [account] = orders.accounts;
  if (account === undefined) throw new Error('no account');
  return {
    ...{ clock, orders, account },
    book: () => {
      const market = tape.market('BTCUSDT');
      if (market === undefined) throw new Error('no market');
      return bookAt(market, slotOf(clock.ms));
    },
    place(params: Record<string, string>, by: Account = account): SimulatorOrder {
      const desk = orders.desk('BTCUSDT');
      const query = new Query(new URLSearchParams(params));
      return orders.place(by, desk, termsOf(query, desk.tape.market, desk.lastTicks(clock.ms)));
    },
  };
}

const price = (ticks: number) => (ticks / 100).toFixed(2);
const quantity = (lots: number) => (lots / 100_000).toFixed(5);
const rich = customer('rich', { USDT: '10000000', BTC: '100' });

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('an order in its market', () => {
  it('that buys at the market pays the levels of the book, best first', () => {
    const { place, book, account, orders } = open(rich);
    const [first = 0, second = 0] = book().asks.prices;
    const [firstLots = 0] = book().asks.lots;
    const order = place({ side: 'BUY', type: 'MARKET', quantity: quantity(firstLots + 7) });
    expect(order).toMatchObject({ status: 'FILLED', filledLots: firstLots + 7, locked: 0n });
    const fills = orders.fillsOf(account).map(({ ticks, lots, isMaker }) => [ticks, lots, isMaker]);
    expect(fills).toEqual([
      [first, firstLots, false],
      [second, 7, false],
    ]);
    // 10^-2 a tick, 10^-5 a lot, one unit 10^-8: ticks × lots × 10.
    const paid = BigInt(first * firstLots + second * 7) * 10n;
    expect(order.filledQuote).toBe(paid);
    const bought = BigInt(firstLots + 7) * 1000n;
    const fee = (BigInt(firstLots) * 1000n) / 1000n + 7n;
    expect(account.free('USDT')).toBe((unitsOf('10000000') ?? 0n) - paid);
    expect(account.free('BTC')).toBe((unitsOf('100') ?? 0n) + bought - fee);
  });

  it('that has a limit takes up to it, and what is left rests there with what it needs locked', () => {
    const { place, book, account } = open(rich);
    const [best = 0] = book().asks.prices;
    const [lots = 0] = book().asks.lots;
    const limit = { side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', price: price(best) };
    const order = place({ ...limit, quantity: quantity(lots + 100) });
    expect(order).toMatchObject({ status: 'PARTIALLY_FILLED', filledLots: lots });
    expect(order.locked).toBe(BigInt(best * 100) * 10n);
    // What it took is gone from the book that is in force.
    expect(place({ ...limit, timeInForce: 'IOC', quantity: quantity(100) }, account)).toMatchObject({
      ...{ status: 'EXPIRED', filledLots: 0 },
    });
  });

  it('that must be filled at once is, or is over', () => {
    const { place, book } = open(rich);
    const [best = 0] = book().asks.prices;
    const [lots = 0] = book().asks.lots;
    const limit = { side: 'BUY', type: 'LIMIT', price: price(best) };
    const tooMuch = { ...limit, quantity: quantity(lots + 1) };
    expect(place({ ...tooMuch, timeInForce: 'FOK' })).toMatchObject({ status: 'EXPIRED', filledLots: 0 });
    expect(place({ ...tooMuch, timeInForce: 'IOC' })).toMatchObject({ status: 'EXPIRED', filledLots: lots });
  });

  it('that rests is filled at its price as the tape comes to it, and never before', () => {
    const { place, clock, orders, account } = open(rich);
    const ticks = orders.desk('BTCUSDT').lastTicks(clock.ms) - 2_000;
    const order = place({ side: 'BUY', type: 'LIMIT_MAKER', price: price(ticks), quantity: '0.00500' });
    for (let i = 0; i < 4_000 && isOpen(order); i++) {
      clock.ms += 5_000;
      orders.play();
    }
    expect(order.status).toBe('FILLED');
    const fills = orders.fillsOf(account);
    expect(new Set(fills.map((fill) => `${fill.ticks} ${fill.isMaker}`))).toEqual(new Set([`${ticks} true`]));
    // The same trades, however rarely it is looked: as of the first fill, the tape has not been beyond.
    const again = open(rich);
    const same = again.place({ side: 'BUY', type: 'LIMIT_MAKER', price: price(ticks), quantity: '0.00500' });
    again.clock.ms = clock.ms;
    again.orders.play();
    expect(again.orders.fillsOf(same.account).map(({ lots, timeMs }) => [lots, timeMs])).toEqual(
      fills.map(({ lots, timeMs }) => [lots, timeMs]),
    );
  });

  it('that waits for its stop takes once the last price has come to it', () => {
    const { place, clock, orders } = open(rich);
    const stop = orders.desk('BTCUSDT').lastTicks(clock.ms) - 2_000;
    const order = place({ side: 'SELL', type: 'STOP_LOSS', stopPrice: price(stop), quantity: '0.00500' });
    expect(order).toMatchObject({ isWaiting: true, status: 'NEW', locked: 500_000n });
    for (let i = 0; i < 4_000 && isOpen(order); i++) {
      clock.ms += 5_000;
      orders.play();
    }
    expect(order).toMatchObject({ status: 'FILLED', isWaiting: false, filledLots: 500, locked: 0n });
  });
});

describe('an order that the exchange does not take', () => {
  const limit = { side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', price: '50000.00', quantity: '0.00100' };

  it.each([
    ['-1117 Invalid side.', { ...limit, side: 'buy' }],
    ['-1116 Invalid orderType.', { ...limit, type: 'TAKE_PROFIT' }],
    ['-1115 Invalid timeInForce.', { ...limit, timeInForce: 'GTX' }],
    ["-1106 Parameter 'price' sent when not required.", { ...limit, type: 'MARKET', timeInForce: '' }],
    ['-1102', { ...limit, quantity: '' }],
    ['-1100', { ...limit, quantity: '1e3' }],
    ['-1100', { ...limit, newClientOrderId: 'with space' }],
    ["-1111 Parameter 'price' has too much precision.", { ...limit, price: '50000.123456789' }],
    ['-1013 Filter failure: PRICE_FILTER', { ...limit, price: '50000.001' }],
    ['-1013 Filter failure: PRICE_FILTER', { ...limit, price: '0.00' }],
    ['-1013 Filter failure: LOT_SIZE', { ...limit, quantity: '0.000001' }],
    ['-1013 Filter failure: NOTIONAL', { ...limit, quantity: '0.00001' }],
    ['-2010 Account has insufficient balance', { ...limit, quantity: '1000' }],
    [
      '-2010 Order would immediately match and take.',
      { side: 'BUY', type: 'LIMIT_MAKER', price: '900000.00', quantity: '0.00100' },
    ],
    [
      '-2010 Stop price would trigger immediately.',
      { side: 'BUY', type: 'STOP_LOSS', stopPrice: '1000.00', quantity: '0.01000' },
    ],
  ])('%s', (expected, params) => {
    const { place, account, orders } = open(rich);
    expect(refusalOf(() => place(params))).toContain(expected);
    expect(account.texts().map(({ locked }) => locked)).toEqual(['0.00000000', '0.00000000']);
    expect(orders.ofAccount(account)).toEqual([]);
  });

  it('has the id of one that is open, and is taken once that is over', () => {
    const { place, orders } = open(rich);
    const first = place({ ...limit, newClientOrderId: 'mine' });
    expect(refusalOf(() => place({ ...limit, newClientOrderId: 'mine' }))).toBe(
      '-2010 Duplicate order sent.',
    );
    orders.cancel(first);
    expect(place({ ...limit, newClientOrderId: 'mine' }).status).toBe('NEW');
  });

  it('is one too many in ten seconds', () => {
    const { place, clock } = open(rich);
    const refusals = Array.from({ length: 110 }, () => refusalOf(() => place(limit)));
    expect(new Set(refusals.slice(0, 100))).toEqual(new Set(['none']));
    expect(new Set(refusals.slice(100))).toEqual(
      new Set(['-1015 Too many new orders; current limit is 100 orders per 10 SECOND.']),
    );
    clock.ms += 10_000;
    expect(place(limit).status).toBe('NEW');
  });
});

it('keeps every account’s money through thousands of orders', () => {
  const given = [rich, customer('modest', { USDT: '3000', BTC: '0.05' })];
  const { clock, orders, place } = open(...given);
  const random = new Random(7);
  const pick = <T>(all: readonly T[]): T => {
    const picked = all[random.below(all.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  };
  let taken = 0;
  for (let step = 0; step < 400; step++) {
    clock.ms += random.below(1_200);
    const by = pick(orders.accounts);
    const openOrders = orders.ofAccount(by).filter(isOpen);
    const last = orders.desk('BTCUSDT').lastTicks(clock.ms);
    if (openOrders.length > 20) {
      orders.play();
      const still = openOrders.filter(isOpen);
      if (still.length > 0) orders.cancel(pick(still));
    }
    const type = pick(orderTypes);
    const near = () => price(last + random.below(4_000) - 2_000);
    const refusal = refusalOf(() =>
      place(
        {
          ...{ side: pick(['BUY', 'SELL']), type, quantity: quantity(20 + random.below(4_000)) },
          ...(type.endsWith('LIMIT') ? { timeInForce: pick(timesInForce) } : {}),
          ...(type.includes('LIMIT') ? { price: near() } : {}),
          ...(type.startsWith('STOP') ? { stopPrice: near() } : {}),
        },
        by,
      ),
    );
    if (refusal === 'none') taken += 1;
    else expect(refusal).toMatch(/^-(2010|1015)/);
    if (step % 8 === 0) checkMoney(orders, given);
  }
  expect(taken).toBeGreaterThan(150);
  for (const account of orders.accounts)
    for (const order of orders.ofAccount(account)) checkOrder(orders, order);
});

/** Each asset: what was given, and what fills brought and cost, is what there is; open orders lock what is locked. */
function checkMoney(orders: ExchangeOrders, given: readonly SimulatorAccount[]): void {
  for (const [i, account] of orders.accounts.entries()) {
    const total = new Map<string, bigint>(
      Object.entries(given[i]?.balances ?? {}).map(([asset, text]) => [asset, unitsOf(text) ?? 0n]),
    );
    const move = (asset: string, units: bigint) => total.set(asset, (total.get(asset) ?? 0n) + units);
    for (const { order, quote, lots, fee, feeAsset } of orders.fillsOf(account)) {
      const sign = order.side === 'BUY' ? 1n : -1n;
      move('BTC', sign * BigInt(lots) * 1000n);
      move('USDT', -sign * quote);
      move(feeAsset, -fee);
    }
    const locked = new Map<string, bigint>();
    for (const order of orders.ofAccount(account)) {
      if (!isOpen(order)) expect(order.locked).toBe(0n);
      locked.set(lockedAsset(order), (locked.get(lockedAsset(order)) ?? 0n) + order.locked);
    }
    for (const { asset, free, locked: is } of account.texts()) {
      expect(unitsOf(is)).toBe(locked.get(asset) ?? 0n);
      expect((unitsOf(free) ?? 0n) + (unitsOf(is) ?? 0n)).toBe(total.get(asset));
    }
  }
}

function checkOrder(orders: ExchangeOrders, order: SimulatorOrder): void {
  const fills = orders.fillsOf(order.account).filter((fill) => fill.order === order);
  expect(fills.reduce((sum, { lots }) => sum + lots, 0)).toBe(order.filledLots);
  expect(fills.reduce((sum, { quote }) => sum + quote, 0n)).toBe(order.filledQuote);
  expect(order.filledLots).toBeLessThanOrEqual(order.lots);
  expect(order.status === 'FILLED').toBe(order.filledLots === order.lots);
  for (const { ticks, isMaker } of fills) {
    const limit = order.ticks ?? ticks;
    expect(order.side === 'BUY' ? ticks <= limit : ticks >= limit).toBe(true);
    if (order.type === 'LIMIT_MAKER') expect(isMaker).toBe(true);
  }
  if (order.timeInForce === 'FOK' && !order.isWaiting) {
    expect([0, order.lots]).toContain(order.filledLots);
    expect(isOpen(order)).toBe(false);
  }
  if (order.timeInForce === 'IOC' && !order.isWaiting) expect(isOpen(order)).toBe(false);
}
