import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import type { ExchangeSymbol, Ticker } from '#core/exchanges/exchange.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { defaultRules, isLeveraged } from '#pipelines/discover-symbols/rules.ts';
import { selectUniverse } from '#pipelines/discover-symbols/select.ts';
import { requires } from '#tests/support/require.ts';

const folder = resolve(
  process.env['TICKLAKE_MARKET_DATA'] ?? resolve(import.meta.dirname, '../../../../shared/market-data'),
  'rest',
);
const infoFile = resolve(folder, 'binance-exchangeInfo-2021-10-12.cryptofeed.gz');
const tickerFile = resolve(folder, 'binance-ticker24hr-2024-01-14.json.gz');
const isThere = existsSync(infoFile) && existsSync(tickerFile);

const recordings = requires(
  isThere,
  'recorded answers of an exchange',
  'Set TICKLAKE_MARKET_DATA to their folder.',
);

describe('what Binance answered', recordings, () => {
  test('leveraged tokens are told by their names as by the word of the venue', async () => {
    const { symbols } = await recorded();
    const assets = new Set(symbols.flatMap(({ base, quote }) => [base, quote]));
    const byName = symbols.filter((market) => isLeveraged({ ...market, permissions: ['SPOT'] }, assets));
    const byVenue = symbols.filter(({ permissions }) => permissions.includes('LEVERAGED'));
    expect(byVenue.length).toBeGreaterThan(20);
    const trading = (markets: ExchangeSymbol[]) =>
      [...new Set(markets.filter(({ status }) => status === 'TRADING').map(({ base }) => base))].sort();
    expect(trading(byName)).toEqual(trading(byVenue));
    for (const base of ['JUP', 'SUPER', 'SYS'])
      expect(byName.map((market) => market.base)).not.toContain(base);
  });

  test('the universe is of coins in the common quote, the greatest first', async () => {
    const { symbols, tickers } = await recorded();
    const selection = selectUniverse({ symbols, tickers, previous: new Set() }, defaultRules);
    expect(selection.chosen).toHaveLength(defaultRules.top);
    expect(selection.chosen.slice(0, 2).map(({ market }) => market.symbol)).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(selection.chosen.length + selection.dropped.length).toBe(symbols.length);
    for (const { market } of selection.chosen) {
      expect(market).toMatchObject({ quote: 'USDT', status: 'TRADING' });
      expect(market.permissions).not.toContain('LEVERAGED');
    }
  });
});

/** The recorded answers, read by the real adapter. */
async function recorded(): Promise<{ symbols: ExchangeSymbol[]; tickers: Ticker[] }> {
  const [line = ''] = gunzipSync(readFileSync(infoFile)).toString().split('\n');
  const info = line.slice(line.indexOf('{'));
  const tickers = gunzipSync(readFileSync(tickerFile)).toString();
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(request.url?.includes('exchangeInfo') === true ? info : tickers);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const exchange = createBinanceExchange({
    ...{ source: 'binance', restUrl: `http://127.0.0.1:${port}`, wsUrl: 'ws://127.0.0.1:9' },
    ...{ logger: createLogger({ level: 'silent', name: 'test' }), metrics: new Metrics() },
  });
  try {
    return { symbols: await exchange.symbols(), tickers: await exchange.tickers() };
  } finally {
    await exchange.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}
