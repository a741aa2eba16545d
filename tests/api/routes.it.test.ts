import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { rights } from '#api/rights.ts';
import type { Problem } from '#api/schemas/common.ts';
import type { Health } from '#api/schemas/health.ts';
import type { CoverageList, GapList, LakeTableList } from '#api/schemas/lake.ts';
import type { Market, MarketList, TradeList } from '#api/schemas/markets.ts';
import { knowSymbols, openTestLake, tradeRecords, type TestLake } from '#tests/support/lake.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;

beforeAll(async () => {
  ground = await openTestLake();
  await knowSymbols(ground.database, source, ['BTCUSDT', 'ETHUSDT']);
  await knowSymbols(ground.database, 'binance', ['SOLUSDT']);
  await ground.log.append('trades', [
    ...tradeRecords(source, 'BTCUSDT', 1, 1_501),
    ...tradeRecords(source, 'BTCUSDT', 1_601, 2_001),
    ...tradeRecords(source, 'ETHUSDT', 1, 11),
    ...tradeRecords('binance', 'SOLUSDT', 5, 8),
  ]);
  const consumer = await ground.startConsumer();
  service = await openService(ground);
  await vi.waitFor(
    async () => {
      const { items } = await get<LakeTableList>('/v1/lake/tables');
      expect(items[0]?.rows).toBe(1_913);
    },
    { timeout: 30_000, interval: 100 },
  );
  await consumer.close();
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function get<T>(url: string, status = 200): Promise<T> {
  const answer = await service.app.inject({ url, headers: { host: 'localhost:8080' } });
  expect(answer.statusCode, answer.body).toBe(status);
  return answer.json<T>();
}

describe('markets', () => {
  it('have the newest price and the figures of 24 hours', async () => {
    const { items, nextCursor } = await get<MarketList>('/v1/markets');
    expect(items.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(nextCursor).toBeNull();
    expect(items[0]).toMatchObject({
      source,
      lastPrice: '1000.25',
      lastTradeId: 2_000,
      lastTime: '2024-08-08T23:54:16.000000Z',
      openPrice: '1001.25',
      highPrice: '1499.25',
      lowPrice: '1000.25',
      changePercent: -0.1,
      tradeCount: 1_900,
    });
  });

  it('are found alone, of the source that holds them', async () => {
    expect(await get<Market>('/v1/markets/SOLUSDT')).toMatchObject({ source: 'binance', lastTradeId: 7 });
    expect(await get<Problem>('/v1/markets/XRPUSDT', 404)).toMatchObject({
      code: 'NOT_FOUND',
      retryable: false,
      remedy: expect.stringContaining('/v1/markets'),
    });
  });
});

describe('trades', () => {
  it('come newest first, in pages, each once, across a gap', async () => {
    const ids: number[] = [];
    let cursor = '';
    do {
      const page = await get<TradeList>(`/v1/markets/BTCUSDT/trades?limit=700${cursor}`);
      ids.push(...page.items.map(({ tradeId }) => tradeId));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    const held = [...range(1, 1_501), ...range(1_601, 2_001)].reverse();
    expect(ids).toEqual(held);
  });

  it('have decimals as text and times to the microsecond', async () => {
    const { items } = await get<TradeList>('/v1/markets/ETHUSDT/trades?limit=1');
    expect(items).toEqual([
      {
        symbol: 'ETHUSDT',
        source,
        tradeId: 10,
        price: '1010.25',
        volume: '0.11',
        side: 'buy',
        timestamp: '2024-08-08T23:54:14.010000Z',
      },
    ]);
  });

  it('are those of the source asked for', async () => {
    await get<Problem>('/v1/markets/ETHUSDT/trades?source=binance', 404);
  });

  it.each([
    '/v1/markets/BTCUSDT/trades?limit=1001',
    '/v1/markets/BTCUSDT/trades?limit=0',
    '/v1/markets/BTCUSDT/trades?unknown=1',
    '/v1/markets/BTCUSDT/trades?cursor=bm9wZQ',
    '/v1/markets/btc%27--/trades',
    '/v1/lake/coverage?source=%27',
  ])('refuse %s', async (url) => {
    expect(await get<Problem>(url, 400)).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
  });
});

describe('the lake', () => {
  it('shows its tables', async () => {
    const { items } = await get<LakeTableList>('/v1/lake/tables');
    expect(items[0]).toMatchObject({ name: 'market.trades', rows: 1_913 });
    expect(items[0]?.snapshotId).toMatch(/^\d+$/);
    expect(items[0]?.files).toBeGreaterThan(0);
  });

  it('shows what is held and what is missing', async () => {
    const { items } = await get<CoverageList>('/v1/lake/coverage?symbol=BTCUSDT');
    expect(items).toMatchObject([
      { lo: 1, hi: 2_001, expected: 2_000, held: 1_900, explained: 0, missing: 100 },
    ]);
    expect(items).toHaveLength(1);
  });

  it('pages its coverage', async () => {
    const first = await get<CoverageList>('/v1/lake/coverage?limit=2');
    const rest = await get<CoverageList>(`/v1/lake/coverage?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items].map(({ symbol }) => symbol)).toEqual([
      'SOLUSDT',
      'BTCUSDT',
      'ETHUSDT',
    ]);
    expect(rest.nextCursor).toBeNull();
  });

  it('shows gaps', async () => {
    const { items } = await get<GapList>('/v1/lake/gaps');
    expect(items).toMatchObject([
      { symbol: 'BTCUSDT', from: 1_501, to: 1_601, kind: 'missing', cause: null },
    ]);
  });

  it('tells what is held while nothing of its files is read', async () => {
    const warehouse = join(ground.dir, 'warehouse');
    await rename(warehouse, `${warehouse}.gone`);
    try {
      for (let limit = 101; limit <= 105; limit += 1)
        await get<Problem>(`/v1/markets/BTCUSDT/trades?limit=${limit}`, 503);
      const { breakers } = await get<Health>('/health');
      expect(breakers).toContainEqual({ name: 'lake', state: 'open' });
      for (const of of ['coverage?limit=7', 'coverage?by=day&limit=7', 'gaps?limit=7'])
        await get(`/v1/lake/${of}`);
    } finally {
      await rename(`${warehouse}.gone`, warehouse);
    }
    await vi.waitFor(() => get<TradeList>('/v1/markets/BTCUSDT/trades?limit=101'), {
      timeout: 30_000,
      interval: 100,
    });
  });
});

describe('operations', () => {
  it('are healthy and ready', async () => {
    const health = await get<Health>('/health');
    expect(health.status).toBe('ok');
    expect(health.dependencies.map(({ name, status }) => [name, status])).toEqual([
      ['postgres', 'up'],
      ['log', 'up'],
    ]);
    expect(health.breakers).toEqual(['postgres', 'log', 'lake'].map((name) => ({ name, state: 'closed' })));
    expect(await get('/health/ready')).toEqual({ ready: true });
  });

  it('count requests by route', async () => {
    const answer = await service.app.inject({ url: '/metrics', headers: { host: 'localhost' } });
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.body).toContain('route="/v1/markets/:symbol/trades"');
    expect(answer.body).not.toContain('BTCUSDT/trades');
  });

  it('describe every route', async () => {
    const text = await get<{ paths: Record<string, object>; openapi: string }>('/openapi.json');
    expect(text.openapi).toBe('3.1.0');
    const documented = Object.entries(text.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(documented.sort()).toEqual(Object.keys(rights).sort());
    const docs = await service.app.inject({ url: '/docs/', headers: { host: 'localhost' } });
    expect(docs.statusCode).toBe(200);
  });
});

describe('the door', () => {
  it('is shut to foreign names of this machine', async () => {
    for (const host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example']) {
      const answer = await service.app.inject({ url: '/v1/markets', headers: { host } });
      expect(answer.statusCode).toBe(400);
      expect(answer.json<Problem>().code).toBe('BAD_REQUEST');
    }
  });

  it.each(['localhost', '127.0.0.1:8080', '[::1]:8080', 'api.internal:8080'])(
    'is open to %s',
    async (host) => {
      const answer = await service.app.inject({ url: '/v1/lake/tables', headers: { host } });
      expect(answer.statusCode).toBe(200);
    },
  );

  it('lets no other origin read, and binds pages to this one', async () => {
    const answer = await service.app.inject({
      url: '/v1/lake/tables',
      headers: { host: 'localhost', origin: 'https://evil.example' },
    });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
    expect(answer.headers['content-security-policy']).not.toContain('unsafe');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it('answers what is not there with a problem', async () => {
    expect(await get<Problem>('/v1/nothing', 404)).toMatchObject({ code: 'NOT_FOUND', status: 404 });
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
