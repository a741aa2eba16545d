import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { malformedWays } from '#core/exchanges/simulator/malformed.ts';
import { listen, openSimulator, type Opened, type TradeData } from './support.ts';

let simulator: Opened;
beforeAll(async () => {
  simulator = await openSimulator({ speed: 60, weightLimitPerMinute: 100_000 });
});
afterAll(() => simulator.close());

async function restTrades(symbol: string, from: number, limit: number) {
  const { body } = await simulator.get(
    `/api/v3/historicalTrades?symbol=${symbol}&fromId=${from}&limit=${limit}`,
  );
  return body as { id: number; price: string; qty: string; time: number; isBuyerMaker: boolean }[];
}

const asRest = ({ t, p, q, T, m }: TradeData) => ({ id: t, price: p, qty: q, time: T, isBuyerMaker: m });

/** A listener to one market's trades, live. */
async function tradesOf(symbol: string) {
  const client = await listen(`${simulator.wsUrl}/ws/${symbol.toLowerCase()}@trade`);
  await client.next(1);
  return client;
}

describe('the trade stream', () => {
  it('sends what REST serves, id after id', async () => {
    const client = await listen(`${simulator.wsUrl}/stream`, ['btcusdt@trade']);
    await client.until(() => client.trades().length >= 900);
    client.close();
    const trades = client.trades().slice(0, 900);
    const rest = await restTrades('BTCUSDT', trades[0]?.t ?? NaN, 900);
    expect(trades.map(asRest)).toEqual(
      rest.map(({ id, price, qty, time, isBuyerMaker }) => ({ id, price, qty, time, isBuyerMaker })),
    );
    expect(JSON.parse(client.messages[0] ?? '')).toEqual({ result: null, id: 1 });
    expect(JSON.parse(client.messages[1] ?? '')).toMatchObject({
      stream: 'btcusdt@trade',
      data: { e: 'trade' },
    });
  });

  it('starts when one subscribes, ends when one unsubscribes, and says what is subscribed', async () => {
    const client = await listen(`${simulator.wsUrl}/stream?streams=ethusdt@trade/bnbusdt@trade`);
    await client.until(() => client.trades().length >= 20);
    client.socket.send(JSON.stringify({ method: 'UNSUBSCRIBE', params: ['ethusdt@trade'], id: 5 }));
    await client.until(() => client.messages.includes('{"result":null,"id":5}'));
    const answered = client.messages.indexOf('{"result":null,"id":5}');
    client.socket.send(JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: 6 }));
    const list = '{"result":["bnbusdt@trade"],"id":6}';
    await client.until(() => client.messages.includes(list));
    await client.next(client.messages.length + 20);
    client.close();
    expect(client.messages.slice(0, answered).join()).toContain('ETHUSDT');
    expect(client.messages.slice(answered).join()).not.toContain('ETHUSDT');
  });

  it('answers what it does not understand', async () => {
    const client = await listen(`${simulator.wsUrl}/ws`);
    for (const text of ['{', '[]', '{"method":"BUY","id":2}', '{"method":"SUBSCRIBE","params":"x","id":3}']) {
      client.socket.send(text);
    }
    await client.next(4);
    client.close();
    expect(client.messages).toHaveLength(4);
    for (const text of client.messages) expect(JSON.parse(text)).toMatchObject({ error: { code: 2 } });
  });
});

it('klines of the stream are those of REST once they are closed', async () => {
  const client = await listen(`${simulator.wsUrl}/ws/solusdt@kline_1m`);
  interface Message {
    k: Record<'t' | 'T' | 'n' | 'f' | 'L', number> &
      Record<'o' | 'h' | 'l' | 'c' | 'v' | 'q' | 'V' | 'Q', string> & { x: boolean };
  }
  const klines = () => client.messages.map((text) => (JSON.parse(text) as Message).k);
  await client.until(() => klines().filter(({ x }) => x).length >= 2);
  client.close();
  const [first, second] = klines().filter(({ x }) => x);
  if (first === undefined || second === undefined) throw new Error('no closed klines');
  expect(second.t).toBe(first.T + 1);
  expect(second.f).toBe(first.L + 1);
  const { body } = await simulator.get(
    `/api/v3/klines?symbol=SOLUSDT&interval=1m&startTime=${first.t}&limit=1`,
  );
  const { t, o, h, l, c, v, T, q, n, V, Q } = first;
  expect(body).toEqual([[t, o, h, l, c, v, T, q, n, V, Q, '0']]);
});

it('depth updates lead from one REST snapshot to a later one', async () => {
  const client = await listen(`${simulator.wsUrl}/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker`);
  interface Update {
    U: number;
    u: number;
    b: [string, string][];
    a: [string, string][];
  }
  interface Snapshot {
    lastUpdateId: number;
    bids: [string, string][];
    asks: [string, string][];
  }
  const updates = () =>
    client.messages
      .map((text) => JSON.parse(text) as { stream: string; data: Update })
      .filter(({ stream }) => stream === 'btcusdt@depth@100ms')
      .map(({ data }) => data);
  const snapshot = async () =>
    (await simulator.get('/api/v3/depth?symbol=BTCUSDT&limit=5000')).body as Snapshot;
  await client.until(() => updates().length >= 2);
  const before = await snapshot();
  const goal = updates().length + 8;
  await client.until(() => updates().length >= goal);
  client.close();

  // What came after the last ticker has no best prices to compare with.
  const ticker = client.messages
    .map((text) => JSON.parse(text) as { stream: string; data: { u: number; b: string; a: string } })
    .findLast(({ stream }) => stream === 'btcusdt@bookTicker')?.data;
  const bids = new Map(before.bids);
  const asks = new Map(before.asks);
  let lastId = before.lastUpdateId;
  for (const { U, u, b, a } of updates()) {
    if (u <= lastId || u > (ticker?.u ?? 0)) continue;
    expect(U).toBeLessThanOrEqual(lastId + 1);
    for (const [side, levels] of [
      [bids, b],
      [asks, a],
    ] as const) {
      for (const [price, quantity] of levels) {
        if (Number(quantity) === 0) side.delete(price);
        else side.set(price, quantity);
      }
    }
    lastId = u;
  }
  expect(lastId).toBe(ticker?.u);
  const best = (side: Map<string, string>, of: (...prices: number[]) => number) =>
    of(...[...side.keys()].map(Number));
  expect(bids.size).toBe(500);
  expect(asks.size).toBe(500);
  expect([best(bids, Math.max), best(asks, Math.min)]).toEqual([Number(ticker?.b), Number(ticker?.a)]);
});

describe('faults', () => {
  const follow = async (kind: string, fault: Record<string, unknown>, more = 60) => {
    const client = await tradesOf('BTCUSDT');
    const struck = await simulator.struck(kind);
    await simulator.fault({ kind, symbol: 'BTCUSDT', ...fault });
    await client.next(client.messages.length + more);
    client.close();
    return { client, struck: (await simulator.struck(kind)) - struck };
  };
  const idsOf = (trades: readonly TradeData[]) => trades.map(({ t }) => t);
  const missing = (ids: readonly number[]) => {
    const held = new Set(ids);
    const first = Math.min(...ids);
    return Array.from({ length: Math.max(...ids) - first }, (_, i) => first + i).filter(
      (id) => !held.has(id),
    );
  };

  it('drop: the stream skips ids that REST has', async () => {
    const { client, struck } = await follow('drop', { count: 7 });
    const holes = missing(idsOf(client.trades()));
    expect(struck).toBe(7);
    expect(holes).toHaveLength(7);
    const rest = await restTrades('BTCUSDT', holes[0] ?? NaN, 7);
    expect(rest.map(({ id }) => id)).toEqual(holes);
  });

  it('duplicate: a message comes twice', async () => {
    const { client, struck } = await follow('duplicate', { count: 5 });
    const ids = idsOf(client.trades());
    expect(struck).toBe(5);
    expect(ids.length - new Set(ids).size).toBe(5);
    expect(missing(ids)).toEqual([]);
  });

  it('disorder: later ids come first, none is lost', async () => {
    const { client, struck } = await follow('disorder', { count: 5 });
    const ids = idsOf(client.trades());
    expect(struck).toBe(5);
    expect(ids.filter((id, i) => i > 0 && id < (ids[i - 1] ?? 0))).toHaveLength(5);
    expect(missing(ids)).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('malformed: each way once, all different', async () => {
    const client = await tradesOf('BTCUSDT');
    const before = client.messages.length;
    await simulator.fault({ kind: 'malformed', symbol: 'BTCUSDT', count: malformedWays });
    await client.next(before + 80);
    client.close();
    const good =
      /^\{"e":"trade","E":17\d{11},"s":"BTCUSDT","t":\d+,"p":"\d+\.\d{8}","q":"\d+\.\d{8}","T":17\d{11},"m":(true|false),"M":true\}$/;
    const bad = client.messages.filter((text) => !good.test(text) || text.includes('"p":"0.00000000"'));
    expect(bad).toHaveLength(malformedWays);
    expect(client.messages.length - bad.length).toBeGreaterThan(0);
  });

  it('silence: nothing of the market comes for a while', async () => {
    const client = await tradesOf('ETHUSDT');
    await simulator.fault({ kind: 'silence', symbol: 'ETHUSDT', durationMs: 200 });
    const silenced = client.messages.length;
    await client.next(silenced + 200);
    client.close();
    expect(missing(idsOf(client.trades())).length).toBe(await simulator.struck('silence'));
    expect(await simulator.struck('silence')).toBeGreaterThan(0);
  });

  it('disconnect: the socket ends, and a new one is welcome', async () => {
    const { client, struck } = await follow('disconnect', { count: 1 }, Infinity);
    expect(struck).toBe(1);
    expect(client.closeCode()).toBe(1006);
    (await tradesOf('BTCUSDT')).close();
  });

  it.each([
    ['429', 429],
    ['418', 418],
    ['5xx', 503],
  ])('%s: so many requests are answered so', async (kind, status) => {
    await simulator.fault({ kind, count: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await simulator.get('/api/v3/ping')).status);
    expect(statuses).toEqual([status, status, 200]);
  });

  it('can be ended, and nonsense is refused', async () => {
    await simulator.fault({ kind: '5xx', durationMs: 3_600_000 });
    expect((await simulator.get('/api/v3/ping')).status).toBe(503);
    await fetch(`${simulator.url}/simulator/faults`, { method: 'DELETE' });
    expect((await simulator.get('/api/v3/ping')).status).toBe(200);
    for (const fault of [{}, { kind: 'fire' }, { kind: 'drop', count: 0 }, { kind: 'drop', often: true }]) {
      await expect(simulator.fault(fault)).rejects.toThrow('-1100');
    }
  });
});
