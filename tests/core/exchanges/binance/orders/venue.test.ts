import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binanceOrdersUrl, createBinanceOrderVenue } from '#core/exchanges/binance/orders/venue.ts';
import type { OrderAnswer, VenueOrder } from '#core/exchanges/order-venue.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startVenue } from '../venue.ts';
import { ed25519Key, hmacKey, openVenue, type OpenedVenue } from './support.ts';

const limit = { side: 'buy', type: 'limit', timeInForce: 'GTC' } as const;
const soon = { timeout: 20_000 };

function accepted(answer: OrderAnswer): VenueOrder {
  if (answer.kind === 'accepted') return answer.order;
  throw new Error(`not accepted: ${JSON.stringify(answer)}`);
}

describe.each([hmacKey, ed25519Key])('orders with a key of type $type', (key) => {
  let opened: OpenedVenue;
  beforeEach(async () => (opened = await openVenue({ key })));
  afterEach(() => opened.close());

  it('are placed, shown, cancelled, and leave what they held', async () => {
    const { venue, meant, truth } = opened;
    const order = { ...(await meant('rests')), ...limit, price: '50000.00', quantity: '0.00100' };
    const { symbol, clientOrderId } = order;
    expect(accepted(await venue.place(order))).toEqual({
      ...{ symbol, clientOrderId, venueOrderId: 1, side: 'buy', type: 'LIMIT', status: 'open' },
      ...{ quantity: '0.00100000', filledQuantity: '0.00000000', filledQuote: '0.00000000' },
    });
    expect(await venue.balances()).toContainEqual({
      ...{ asset: 'USDT', free: '99950.00000000', locked: '50.00000000' },
    });
    expect((await venue.openOrders()).map((open) => open.clientOrderId)).toEqual(['rests']);
    expect(await venue.openOrders('ETHUSDT')).toEqual([]);
    const canceled = accepted(await venue.cancel({ symbol, clientOrderId }));
    expect(canceled).toMatchObject({ clientOrderId: 'rests', status: 'canceled' });
    expect(await venue.order({ symbol, clientOrderId })).toEqual(canceled);
    expect(await venue.cancel({ symbol, clientOrderId })).toEqual(
      expect.objectContaining({ kind: 'accepted', order: canceled }),
    );
    expect(await venue.openOrders()).toEqual([]);
    expect((await truth()).balances).toContainEqual({
      ...{ asset: 'USDT', free: '100000.00000000', locked: '0.00000000' },
    });
  });

  it('are filled, and the fills are told from any of them on', async () => {
    const { venue, meant, truth } = opened;
    for (const clientOrderId of ['a', 'b', 'c']) {
      const order = { ...(await meant(clientOrderId)), side: 'sell' as const, type: 'market' as const };
      expect(accepted(await venue.place({ ...order, quantity: '0.00200' })).status).toBe('filled');
    }
    const fills = await venue.fills({ symbol: 'BTCUSDT', fromId: 0 });
    const told = fills.map(({ id, venueOrderId, quantity, price }) => [id, venueOrderId, quantity, price]);
    expect(told).toEqual(
      (await truth()).fills.map(({ id, orderId, qty, price }) => [id, orderId, qty, price]),
    );
    expect(fills[0]).toMatchObject({ side: 'sell', liquidity: 'taker', feeAsset: 'USDT' });
    expect(await venue.fills({ symbol: 'BTCUSDT', fromId: fills[1]?.id ?? 0, limit: 1 })).toEqual([fills[1]]);
    expect(await venue.fills({ symbol: 'BTCUSDT', fromId: 1_000 })).toEqual([]);
    expect(await venue.cancel({ symbol: 'BTCUSDT', clientOrderId: 'a' })).toMatchObject({
      ...{ kind: 'rejected', code: 'NOT_OPEN', message: 'the order is filled already' },
    });
  });

  it('keep to their time in force', async () => {
    const { venue, meant, best } = opened;
    const { ask } = await best();
    const price = ask.toFixed(2);
    const huge = { ...limit, price, quantity: '1.00000' };
    const fok = accepted(await venue.place({ ...huge, ...(await meant('fok')), timeInForce: 'FOK' }));
    expect(fok).toMatchObject({ status: 'expired', filledQuantity: '0.00000000' });
    const ioc = accepted(await venue.place({ ...huge, ...(await meant('ioc')), timeInForce: 'IOC' }));
    expect(ioc.status).toBe('expired');
    const stop = { side: 'sell', type: 'stop_limit', timeInForce: 'GTC' } as const;
    const waits = { ...stop, stopPrice: '20000.00', price: '19000.00', quantity: '0.00100' };
    expect(accepted(await venue.place({ ...waits, ...(await meant('stop')) }))).toMatchObject({
      ...{ status: 'open', type: 'STOP_LOSS_LIMIT' },
    });
    const loss = { side: 'sell', type: 'stop_loss', stopPrice: '20000.00', quantity: '0.00100' } as const;
    expect(accepted(await venue.place({ ...loss, ...(await meant('loss')) })).type).toBe('STOP_LOSS');
  });

  it.each([
    ['POST_ONLY_WOULD_TAKE', -2010, { type: 'limit_maker', price: '900000.00' }],
    ['INSUFFICIENT_BALANCE', -2010, { ...limit, price: '50000.00', quantity: '100.00000' }],
    ['STOP_PRICE_REACHED', -2010, { type: 'stop_loss', stopPrice: '20000.00' }],
    ['SYMBOL_RULE', -1013, { ...limit, price: '50000.001' }],
    ['SYMBOL_RULE', -1111, { ...limit, price: '50000.0123456789' }],
    ['UNKNOWN_SYMBOL', -1121, { ...limit, price: '50000.00', symbol: 'NOSUCH' }],
  ] as const)('are rejected as %s (%i)', async (code, venueCode, terms) => {
    const { venue, meant, truth } = opened;
    const order = { side: 'buy', quantity: '0.00100', ...(await meant('bad')), ...terms } as const;
    expect(await venue.place(order)).toMatchObject({ kind: 'rejected', code, venueCode });
    expect((await truth()).orders).toEqual([]);
  });
});

describe('what the venue refuses altogether', () => {
  let opened: OpenedVenue | undefined;
  afterEach(() => opened?.close());

  it.each([
    ['another secret', -1022, { ...hmacKey, secret: 'another' }],
    ['an unknown key', -2015, { ...hmacKey, apiKey: 'unknown' }],
    ['a secret of another kind', -1022, { ...hmacKey, apiKey: ed25519Key.apiKey }],
  ])('%s', async (_, venueCode, key) => {
    opened = await openVenue({ key });
    const { venue, meant, simulator } = opened;
    const order = { ...(await meant('a')), ...limit, price: '50000.00', quantity: '0.00100' };
    expect(await venue.place(order)).toMatchObject({ kind: 'rejected', code: 'KEY_REFUSED', venueCode });
    await expect(venue.balances()).rejects.toMatchObject({
      ...{ code: 'EXCHANGE_REFUSED', context: expect.objectContaining({ code: venueCode }) as unknown },
    });
    // Nobody can tell what became of an order while the key is refused.
    expect((await venue.settle(order)).kind).toBe('unknown');
    const { body } = await simulator.get('/simulator/orders');
    expect(JSON.stringify(body)).not.toContain('"orderId"');
  });

  it('is not asked at all once the order’s time is over', async () => {
    opened = await openVenue();
    const { venue, meant, figure } = opened;
    const order = { ...(await meant('late', -1)), ...limit, price: '50000.00', quantity: '0.00100' };
    expect(await venue.place(order)).toMatchObject({ kind: 'rejected', code: 'NOT_TAKEN' });
    expect(await figure('ticklake_order_venue_requests_total', 'result="not_sent"')).toBe(1);
  });

  it('is sent no more orders than it takes in ten seconds', async () => {
    opened = await openVenue({ limits: { ordersPer10s: 3, maxWaitMs: 0 } });
    const { venue, meant, truth } = opened;
    const answers: OrderAnswer[] = [];
    for (let i = 0; i < 12; i++) {
      const order = { ...(await meant(`n${i}`, 20_000)), ...limit, price: '50000.00', quantity: '0.00100' };
      answers.push(await venue.place(order));
    }
    const kinds = answers.map((answer) => (answer.kind === 'rejected' ? answer.code : answer.kind));
    expect(kinds.slice(0, 3)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(kinds).toContain('RATE_LIMITED');
    expect((await truth()).orders).toHaveLength(kinds.filter((kind) => kind === 'accepted').length);
  });

  it.each(['429', '418'])('by %s is refused, and what follows waits its time', async (kind) => {
    opened = await openVenue({ limits: { maxWaitMs: 20_000 } });
    const { venue, meant, simulator } = opened;
    const order = { ...limit, price: '50000.00', quantity: '0.00100' };
    const [one, two] = [await meant('one'), await meant('two', 30_000)];
    await simulator.fault({ kind });
    expect(await venue.place({ ...order, ...one })).toMatchObject({ kind: 'rejected', code: 'RATE_LIMITED' });
    expect((await venue.place({ ...order, ...two })).kind).toBe('accepted');
  });
});

describe('the venue’s clock', () => {
  it('is measured anew where the venue finds a request out of time', async () => {
    let aheadMs = 0;
    const asked: string[] = [];
    const server = await startVenue({
      answers: ({ url }) => {
        const nowMs = Date.now() + aheadMs;
        asked.push(url.pathname);
        if (url.pathname === '/api/v3/time') return { body: { serverTime: nowMs } };
        const behindMs = nowMs - Number(url.searchParams.get('timestamp'));
        return behindMs > 5_000 ? { status: 400, body: { code: -1021, msg: 'outside' } } : { body: [] };
      },
    });
    const metrics = new Metrics();
    const logger = createLogger({ level: 'silent', name: 'test' });
    const options = { source: 'test', key: hmacKey, baseUrl: server.url, metrics, logger, timeoutMs: 20_000 };
    const venue = createBinanceOrderVenue(options);
    try {
      expect(await venue.openOrders()).toEqual([]);
      // A machine that slept, or a venue that corrected its clock.
      aheadMs = 3_600_000;
      expect(await venue.openOrders()).toEqual([]);
      expect(asked.filter((path) => path === '/api/v3/openOrders')).toHaveLength(3);
      expect(Math.abs((await venue.nowUs()) / 1000 - (Date.now() + aheadMs))).toBeLessThan(20_000);
    } finally {
      venue.close();
      await server.close();
    }
  });
});

describe('the key', () => {
  it('is in no error and no log, whatever the venue does', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const server = await startVenue({
      answers: ({ url, count }) => {
        if (url.pathname === '/api/v3/time') return { body: { serverTime: Date.now() } };
        if (count % 3 === 0) return { status: 400, body: { code: -1022, msg: 'Signature is not valid.' } };
        return count % 3 === 1 ? { status: 503 } : { body: 'not JSON' };
      },
    });
    const venue = createBinanceOrderVenue({
      ...{ source: 'test', key: hmacKey, baseUrl: server.url, metrics: new Metrics(), logger },
      patienceMs: 300,
    });
    const told: unknown[] = [];
    try {
      for (const clientOrderId of ['a', 'b', 'c']) {
        const validUntilUs = (await venue.nowUs()) + 5_000_000;
        const order = { symbol: 'BTCUSDT', clientOrderId, validUntilUs, side: 'buy', quantity: '1' } as const;
        told.push(await venue.place({ ...order, type: 'market' }));
        told.push(await venue.balances().catch((error: unknown) => [String(error), JSON.stringify(error)]));
      }
    } finally {
      venue.close();
      await server.close();
    }
    const all = JSON.stringify([told, lines]);
    expect(lines.length).toBeGreaterThan(0);
    expect(all).toContain('EXCHANGE');
    for (const secret of [hmacKey.secret, hmacKey.apiKey, 'signature=']) expect(all).not.toContain(secret);
  });

  it(
    'goes to nobody in the clear, and to no other host',
    async () => {
      const options = { source: 'test', key: hmacKey, metrics: new Metrics() };
      const logger = createLogger({ level: 'silent', name: 'test' });
      expect(binanceOrdersUrl).toMatch(/^https:/);
      expect(() =>
        createBinanceOrderVenue({ ...options, logger, baseUrl: 'http://exchange.example' }),
      ).toThrow('in the clear');
      const other = await startVenue();
      const server = await startVenue({
        answers: ({ url }) =>
          url.pathname === '/api/v3/time'
            ? { body: { serverTime: Date.now() } }
            : { status: 307, headers: { location: `${other.url}/api/v3/account` } },
      });
      const venue = createBinanceOrderVenue({ ...options, logger, baseUrl: server.url });
      await expect(venue.balances()).rejects.toMatchObject({ code: 'EXCHANGE_UNREACHABLE' });
      venue.close();
      await server.close();
      expect(other.requests).toEqual([]);
      await other.close();
    },
    soon.timeout,
  );
});

it('what is asked of a closed venue ends at once', async () => {
  await using opened = await openVenue();
  const { venue, meant } = opened;
  const order = { ...(await meant('a')), ...limit, price: '50000.00', quantity: '0.00100' };
  venue.close();
  expect(await venue.place(order)).toMatchObject({ kind: 'rejected', code: 'NOT_TAKEN' });
  expect((await venue.settle(order)).kind).toBe('unknown');
  expect((await venue.cancel(order)).kind).toBe('unknown');
  await expect(venue.openOrders()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
