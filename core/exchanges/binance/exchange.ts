import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { createHttpClient, type HttpOptions } from './http.ts';
import * as rest from './rest.ts';
import type { SharedBudget } from './shared-budget.ts';
import { openBinanceStream, type BinanceStreamOptions } from './websocket.ts';

/** Public market-data hosts of Binance spot: no key, no orders. */
export const binanceHosts = {
  restUrl: 'https://data-api.binance.vision',
  wsUrl: 'wss://data-stream.binance.vision',
  /** The bulk archive of whole days and months; see `archive/`. */
  archiveUrl: 'https://data.binance.vision',
};

/** Binance's documented weight a minute, until exchangeInfo says otherwise. */
export const defaultWeightLimit = 6_000;

export interface BinanceExchangeOptions {
  /** The venue as it stands in the lake. */
  source: string;
  restUrl?: string;
  wsUrl?: string;
  /** Request weight a minute; default is what the venue says. */
  weightLimit?: number;
  /** Weight shared with other processes. */
  budget?: SharedBudget | undefined;
  logger: Logger;
  metrics: Metrics;
  /** Times and bounds of the REST client and of the streams, where the defaults do not fit. */
  http?: Partial<
    Pick<HttpOptions, 'weightWindowMs' | 'maxWaitMs' | 'timeoutMs' | 'maxRetries' | 'breakerOpenMs'>
  >;
  streams?: Partial<Omit<BinanceStreamOptions, 'source' | 'wsUrl' | 'logger' | 'metrics'>>;
}

/** Binance spot's public market data, live or from anything that speaks the same protocol. */
export function createBinanceExchange(options: BinanceExchangeOptions): Exchange {
  const { source, logger, metrics, weightLimit } = options;
  const http = createHttpClient({
    ...{ source, logger, metrics, budget: options.budget, ...options.http },
    baseUrl: options.restUrl ?? binanceHosts.restUrl,
    weightLimit: weightLimit ?? defaultWeightLimit,
  });
  const streams = new Set<{ close(): Promise<void> }>();

  return {
    source,
    async symbols(signal) {
      const { symbols, weightPerMinute } = await rest.fetchSymbols(http, signal);
      if (weightLimit === undefined && weightPerMinute !== undefined) http.weight.limit = weightPerMinute;
      return symbols;
    },
    tickers: (signal) => rest.fetchTickers(http, signal),
    klines: (request, signal) => rest.fetchKlines(http, request, signal),
    firstKline: (symbol, interval, signal) => rest.fetchFirstKline(http, symbol, interval, signal),
    tradesFrom: (symbol, fromId, limit, signal) =>
      rest.fetchTrades(http, source, symbol, fromId, limit, signal),
    aggTrades: (request, signal) => rest.fetchAggTrades(http, request, signal),
    depth: (symbol, limit, signal) => rest.fetchDepth(http, symbol, limit, signal),
    timeUs: (signal) => rest.fetchTimeUs(http, signal),
    stream(request) {
      const stream = openBinanceStream(request, {
        ...{ source, logger, metrics, ...options.streams },
        wsUrl: options.wsUrl ?? binanceHosts.wsUrl,
      });
      streams.add(stream);
      return {
        pause: () => stream.pause(),
        resume: () => stream.resume(),
        async close() {
          streams.delete(stream);
          await stream.close();
        },
      };
    },
    async close() {
      http.close();
      await Promise.all([...streams].map((stream) => stream.close()));
      streams.clear();
    },
  };
}
