import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createRestClient,
  openPortfolioStream,
  ProblemError,
  UnansweredError,
  type Order,
  type PortfolioStream,
  type PortfolioStreamOptions,
  type RestClient,
  type StreamBalance,
  type StreamEnd,
  type StreamOrderEvent,
} from '#api/client/index.ts';
import { startRelay, type OrdersRelay } from '#pipelines/relay-orders/relay.ts';
import { openCutProxy, type CutProxy } from '#tests/support/cut-proxy.ts';
import { openTradingGround, password, type TradingGround } from './trading-ground.ts';

const bounds = { timeout: 20_000, interval: 20 };

let trading: TradingGround;
let relay: OrdersRelay;
let network: CutProxy;
let token: string;
let client: RestClient;

beforeAll(async () => {
  trading = await openTradingGround();
  const { database, log, logger, metrics } = trading.ground;
  relay = await startRelay({ database, log, logger, metrics });
  const address = await trading.service.app.listen({ host: '127.0.0.1', port: 0 });
  network = await openCutProxy(Number(new URL(address).port));
  const nobody = createRestClient(`http://${network.host}`);
  await nobody.account.signUp({ email: 'ada@example.com', password });
  ({ token } = await nobody.account.signIn({ email: 'ada@example.com', password }));
  client = createRestClient(`http://${network.host}`, { token });
});

afterAll(async () => {
  await network.close();
  await relay.close();
  await trading.close();
});

async function openPortfolio(): Promise<string> {
  const { id } = await client.trading.openPortfolio({ name: 'Test' });
  await client.trading.deposit(id, { asset: 'USDT', amount: '10000' });
  return id;
}

interface Followed {
  stream: PortfolioStream;
  snapshots: (readonly Order[])[];
  events: StreamOrderEvent[];
  balances: Map<string, StreamBalance>;
  states: string[];
  resumed: boolean[];
  ends: StreamEnd[];
}

async function follow(portfolioId: string, more: Partial<PortfolioStreamOptions> = {}): Promise<Followed> {
  const followed: Omit<Followed, 'stream'> = {
    ...{ snapshots: [], events: [], balances: new Map(), states: [], resumed: [], ends: [] },
  };
  const stream = openPortfolioStream({
    ...{ url: `ws://${network.host}/v1/stream`, portfolioId, token },
    onOrders: (orders) => followed.snapshots.push(orders),
    onEvents: (events) => followed.events.push(...events),
    onBalances(balances) {
      for (const balance of balances) followed.balances.set(balance.asset, balance);
    },
    onState: (state) => followed.states.push(state),
    onResumed: (reset) => followed.resumed.push(reset),
    onEnded: (why) => followed.ends.push(why),
    ...more,
  });
  await vi.waitFor(
    () =>
      expect(followed.snapshots.length + followed.events.length + followed.ends.length).toBeGreaterThan(0),
    bounds,
  );
  return { ...followed, stream };
}

function limitBuy(portfolioId: string, price = '59000') {
  return { portfolioId, symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.001', price } as const;
}

describe('an account', () => {
  it('is whose the token is', async () => {
    expect(await client.account.me()).toMatchObject({ email: 'ada@example.com', role: 'trader' });
    const refused = createRestClient(`http://${network.host}`).account.me();
    await expect(refused).rejects.toThrow(ProblemError);
    await expect(refused).rejects.toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
    expect(client.allowance()).toMatchObject({ limit: 1_000_000 });
  });
});

describe('the rules of a market', () => {
  it('are what orders must keep to', async () => {
    expect(await client.trading.rules({ symbol: 'BTCUSDT' })).toEqual({
      ...{ symbol: 'BTCUSDT', source: 'simulator:42', base: 'BTC', quote: 'USDT', isTrading: true },
      ...{ tickSize: '0.01', stepSize: '0.00001', minNotional: '5', makerFee: '0.001', takerFee: '0.001' },
    });
    await expect(client.trading.rules({ symbol: 'NOCOIN' })).rejects.toMatchObject({
      problem: { code: 'NOT_FOUND' },
    });
  });
});

describe('a portfolio', () => {
  it('is traded with over REST', async () => {
    const portfolioId = await openPortfolio();
    const { trading: rest } = client;
    expect(await rest.preview(limitBuy(portfolioId))).toMatchObject({ isAcceptable: true, held: '59.059' });
    const { id } = await rest.placeOrder(limitBuy(portfolioId), 'first');
    expect((await rest.placeOrder(limitBuy(portfolioId), 'first')).id).toBe(id);
    expect(await rest.amendOrder(id, { price: '58000' })).toMatchObject({ id, price: '58000' });
    expect((await rest.orders({ portfolioId, status: 'open' })).items.map((order) => order.id)).toEqual([id]);
    expect(await rest.cancelOrder(id)).toMatchObject({ status: 'canceled' });
    await expect(rest.cancelOrder(id)).rejects.toMatchObject({ problem: { code: 'ORDER_OVER' } });
    await rest.placeOrder(limitBuy(portfolioId));
    expect((await rest.cancelAll({ portfolioId })).items).toHaveLength(1);
    await rest.withdraw(portfolioId, { asset: 'USDT', amount: '1' });
    const { items } = await rest.transactions({ portfolioId });
    expect(items.map(({ type }) => type)).toEqual(['withdrawal', 'deposit']);
    expect((await rest.portfolio(portfolioId)).value.total).toBe('9999');
    expect((await rest.orderEvents(id)).items.map(({ type }) => type)).toEqual([
      ...['order_accepted', 'order_amended', 'order_canceled'],
    ]);
  });
});

describe('the stream of a portfolio', () => {
  it('places, cancels and tells of it', async () => {
    const portfolioId = await openPortfolio();
    const followed = await follow(portfolioId);
    const { stream, events, balances } = followed;
    expect(followed.snapshots).toEqual([[]]);
    const { order, isReplay } = await stream.placeOrder(limitBuy(portfolioId));
    expect([order.status, isReplay]).toEqual(['open', false]);
    await vi.waitFor(() => expect(balances.get('USDT')).toMatchObject({ held: '59.059' }), bounds);
    expect(await stream.cancelOrder(order.id)).toMatchObject({ status: 'canceled' });
    await expect(stream.cancelOrder(order.id)).rejects.toMatchObject({ problem: { code: 'ORDER_OVER' } });
    await vi.waitFor(
      () => expect(events.map(({ type }) => type)).toEqual(['order_accepted', 'order_canceled']),
      bounds,
    );
    stream.close();
  });

  it('tells once what happened while the connection was lost', async () => {
    const portfolioId = await openPortfolio();
    const { stream, events, snapshots, resumed, states } = await follow(portfolioId);
    network.cut();
    await vi.waitFor(() => expect(states).toContain('waiting'), bounds);
    await expect(stream.placeOrder(limitBuy(portfolioId))).rejects.toMatchObject({ wasSent: false });
    for (let count = 0; count < 3; count += 1) {
      const body = limitBuy(portfolioId);
      await trading.ask('POST', '/v1/orders', { token, body, status: 201 });
    }
    network.mend();
    await vi.waitFor(() => expect(resumed).toEqual([false]), bounds);
    await stream.placeOrder(limitBuy(portfolioId));
    await vi.waitFor(() => expect(events.at(-1)?.number).toBe(6), bounds);
    expect(events.map(({ number }) => number)).toEqual([3, 4, 5, 6]);
    expect(snapshots).toHaveLength(1);
    stream.close();
  });

  it('asks again for what was not answered, and it is done once', async () => {
    const portfolioId = await openPortfolio();
    const { stream, events } = await follow(portfolioId);
    network.deafen();
    const placed = stream.placeOrder(limitBuy(portfolioId));
    await vi.waitFor(async () => {
      const { items } = await trading.ask<{ items: Order[] }>(
        'GET',
        `/v1/orders?portfolioId=${portfolioId}`,
        {
          token,
        },
      );
      expect(items).toHaveLength(1);
    }, bounds);
    network.cut();
    network.mend();
    expect(await placed).toMatchObject({ isReplay: true, order: { status: 'open' } });
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toEqual(['order_accepted']), bounds);
    stream.close();
  });

  it('ends for who may not, and leaves nobody waiting', async () => {
    const portfolioId = await openPortfolio();
    const stranger = await follow(portfolioId, { token: await trading.signUp('eve@example.com') });
    expect(stranger.ends).toMatchObject([{ code: 'NOT_FOUND' }]);
    const forged = await follow(portfolioId, { token: 'nonsense' });
    expect(forged.ends).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    const { stream } = await follow(portfolioId);
    network.deafen();
    const placed = stream.placeOrder(limitBuy(portfolioId));
    stream.close();
    await expect(placed).rejects.toThrow(UnansweredError);
  });
});
