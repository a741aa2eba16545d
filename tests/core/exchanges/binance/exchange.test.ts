import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { archiveLocation, openExchange } from '#core/exchanges/open.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startVenue, type Answers, type Venue } from './venue.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
const opened: { venue: Venue; exchange: Exchange }[] = [];

async function open(answers: Answers, metrics = new Metrics()) {
  const venue = await startVenue({ answers });
  const exchange = createBinanceExchange({ source: 'binance', restUrl: venue.url, logger, metrics });
  opened.push({ venue, exchange });
  return { venue, exchange };
}

afterEach(async () => {
  for (const { venue, exchange } of opened.splice(0)) {
    await exchange.close();
    await venue.close();
  }
});

const market = {
  ...{ symbol: 'BTCUSDT', status: 'TRADING', baseAsset: 'BTC', quoteAsset: 'USDT' },
  ...{ permissions: [], permissionSets: [['SPOT', 'MARGIN'], ['SPOT']] },
  filters: [
    { filterType: 'PRICE_FILTER', minPrice: '0.01', maxPrice: '1000000', tickSize: '0.01' },
    { filterType: 'LOT_SIZE', minQty: '0.00001', maxQty: '9000', stepSize: '0.00001' },
    { filterType: 'ICEBERG_PARTS', limit: 10 },
    { filterType: 'NOTIONAL', minNotional: '5.0', applyMinToMarket: true },
  ],
};
const rateLimits = [{ rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 1_200 }];
const bar = [1_723_161_240_000, '1', '3', '0.5', '2', '10', 1_723_161_299_999, '20', 9, '4', '8', '0'];

describe('REST of Binance spot', () => {
  it('reads markets and takes the weight limit over', async () => {
    const metrics = new Metrics();
    const { exchange } = await open(
      ({ url }) => ({
        body: url.pathname.endsWith('time')
          ? { serverTime: 1_723_161_255_342 }
          : { rateLimits, symbols: [market] },
      }),
      metrics,
    );
    expect(await exchange.symbols()).toEqual([
      {
        ...{ symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', status: 'TRADING', tickSize: '0.01' },
        ...{ stepSize: '0.00001', minQuantity: '0.00001', minNotional: '5.0' },
        permissions: ['MARGIN', 'SPOT'],
      },
    ]);
    expect(await exchange.timeUs()).toBe(1_723_161_255_342_000);
    expect(await metrics.registry.metrics()).toContain(
      'ticklake_exchange_weight_limit{source="binance"} 1200',
    );
  });

  it('asks for klines in milliseconds and reads them', async () => {
    const { exchange, venue } = await open(() => ({ body: [bar] }));
    const fromUs = 1_723_161_240_000_000;
    const request = { symbol: 'BTCUSDT', interval: '1m', fromUs, toUs: fromUs + 59_999_999, limit: 5_000 };
    expect(await exchange.klines(request)).toEqual([
      {
        ...{ symbol: 'BTCUSDT', interval: '1m', openTimeUs: fromUs, closeTimeUs: fromUs + 59_999_000 },
        ...{ open: '1', high: '3', low: '0.5', close: '2', volume: '10', quoteVolume: '20', tradeCount: 9 },
        ...{ takerBuyVolume: '4', takerBuyQuoteVolume: '8', isClosed: false },
      },
    ]);
    expect(venue.requests[0]?.path).toBe(
      '/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000&startTime=1723161240000&endTime=1723161299999',
    );
  });

  it('asks for the oldest kline', async () => {
    const { exchange, venue } = await open(({ count }) => ({ body: count === 1 ? [bar] : [] }));
    expect((await exchange.firstKline('BTCUSDT', '1d'))?.openTimeUs).toBe(1_723_161_240_000_000);
    expect(await exchange.firstKline('BTCUSDT', '1d')).toBeUndefined();
    expect(venue.requests[0]?.path).toBe('/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1&startTime=0');
  });

  it('reads trades, also where times are microseconds', async () => {
    const row = { id: 7, price: '1.5', qty: '2', quoteQty: '3', isBuyerMaker: true, isBestMatch: true };
    const { exchange, venue } = await open(() => ({
      body: [
        { ...row, time: 1_723_161_255_342 },
        { ...row, id: 8, time: 1_723_161_255_342_123, isBuyerMaker: false },
      ],
    }));
    expect(await exchange.tradesFrom('BTCUSDT', 7, 2)).toEqual([
      {
        ...{ source: 'binance', symbol: 'BTCUSDT', tradeId: 7, price: '1.5', volume: '2', side: 'sell' },
        timestampUs: 1_723_161_255_342_000,
      },
      {
        ...{ source: 'binance', symbol: 'BTCUSDT', tradeId: 8, price: '1.5', volume: '2', side: 'buy' },
        timestampUs: 1_723_161_255_342_123,
      },
    ]);
    expect(venue.requests[0]?.path).toBe('/api/v3/historicalTrades?symbol=BTCUSDT&fromId=7&limit=2');
  });

  it.each([
    ['before the one asked for', [6]],
    ['twice', [7, 7]],
    ['descending', [9, 8]],
  ])('refuses trades with ids %s', async (_what, ids) => {
    const row = { price: '1.5', qty: '2', time: 1_723_161_255_342, isBuyerMaker: true };
    const { exchange } = await open(() => ({ body: ids.map((id) => ({ ...row, id })) }));
    await expect(exchange.tradesFrom('BTCUSDT', 7, 2)).rejects.toMatchObject({ code: 'EXCHANGE_MALFORMED' });
  });
});

describe('opening a venue by name', () => {
  it('asks the simulator for its seed', async () => {
    const venue = await startVenue({
      answers: ({ url }) => ({ body: url.pathname === '/simulator/state' ? { seed: 42, speed: 60 } : {} }),
    });
    const exchange = await openExchange({
      exchange: 'simulator',
      url: venue.url,
      logger,
      metrics: new Metrics(),
    });
    opened.push({ venue, exchange });
    expect(exchange.source).toBe('simulator:42');
  });

  it('knows where its bulk archive is', () => {
    expect(archiveLocation({ exchange: 'binance' })).toBe('https://data.binance.vision');
    expect(archiveLocation({ exchange: 'simulator', url: 'http://127.0.0.1:1' })).toBe('http://127.0.0.1:1');
    expect(archiveLocation({ exchange: 'binance' }, '/data/copy')).toBe('/data/copy');
    expect(() => archiveLocation({ exchange: 'simulator' })).toThrow('no fixed address');
  });

  it('needs to know where the simulator is', async () => {
    const opening = openExchange({ exchange: 'simulator', logger, metrics: new Metrics() });
    await expect(opening).rejects.toMatchObject({ code: 'USAGE' });
  });
});

const marketData =
  process.env.TICKLAKE_MARKET_DATA ?? resolve(import.meta.dirname, '../../../../../shared/market-data');
const recorded = (file: string): unknown =>
  JSON.parse(gunzipSync(readFileSync(join(marketData, 'rest', file))).toString());

describe.skipIf(!existsSync(join(marketData, 'rest')))('recorded answers', () => {
  it('of exchangeInfo and ticker are read whole', async () => {
    const info = recorded('binance-exchangeInfo-testnet-2024-09-08.json.gz') as { symbols: unknown[] };
    const tickers = recorded('binance-ticker24hr-2024-01-14.json.gz') as unknown[];
    const { exchange } = await open(({ url }) => ({
      body: url.pathname.endsWith('exchangeInfo') ? info : tickers,
    }));
    const symbols = await exchange.symbols();
    expect(symbols).toHaveLength(info.symbols.length);
    expect(
      symbols.filter(({ tickSize, minNotional }) => Number(tickSize) <= 0 || minNotional === '0'),
    ).toEqual([]);
    expect(await exchange.tickers()).toHaveLength(tickers.length);
  });
});
