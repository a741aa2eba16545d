import type { Query } from './answer.ts';
import { ApiError } from './answer.ts';
import { aggTrades, klines, trades } from './rest-history.ts';
import { bookTicker, depth, exchangeInfo, ticker24h, tickerPrice } from './rest-markets.ts';
import type { MarketTape } from './market-tape.ts';
import type { Tape } from './tape.ts';

export interface Endpoint {
  weight: (query: Query) => number;
  answer: (query: Query) => unknown;
}

const maxDepth = 5_000;

/** Binance spot's public endpoints by path, over a tape as far as it has been played. */
export function endpointsOf(tape: Tape, nowMs: () => number, weightLimit: number): Map<string, Endpoint> {
  const listed = () => tape.listedAt(nowMs());

  function market(query: Query): MarketTape {
    return find(query.required('symbol'));
  }

  function find(symbol: string): MarketTape {
    const found = tape.market(symbol, nowMs());
    if (found?.isListed(nowMs()) === true && !found.isGone(nowMs())) return found;
    throw new ApiError(-1121, 'Invalid symbol.');
  }

  /** All coins that had the name, for as long as it is known. */
  const history = (query: Query) => tape.listings(market(query).market.symbol);

  /** One object for `symbol`, a list for `symbols` and for all. */
  function perMarket(query: Query, make: (market: MarketTape) => unknown): unknown {
    const names = query.symbols();
    if (query.text('symbol') !== undefined) return make(market(query));
    return (names?.map(find) ?? listed()).map(make);
  }

  const flat = (weight: number, answer: Endpoint['answer']): Endpoint => ({ weight: () => weight, answer });
  const oneOrAll = (one: number, all: number, answer: Endpoint['answer']): Endpoint => ({
    weight: (query) => (query.text('symbol') === undefined ? all : one),
    answer,
  });

  return new Map<string, Endpoint>([
    ['/api/v3/ping', flat(1, () => ({}))],
    ['/api/v3/time', flat(1, () => ({ serverTime: nowMs() }))],
    [
      '/api/v3/exchangeInfo',
      flat(20, (query) => exchangeInfo(query.symbols()?.map(find) ?? listed(), nowMs(), weightLimit)),
    ],
    [
      '/api/v3/ticker/24hr',
      { weight: tickerWeight, answer: (query) => perMarket(query, (found) => ticker24h(found, nowMs())) },
    ],
    [
      '/api/v3/ticker/price',
      oneOrAll(2, 4, (query) => perMarket(query, (found) => tickerPrice(found, nowMs()))),
    ],
    [
      '/api/v3/ticker/bookTicker',
      oneOrAll(2, 4, (query) => perMarket(query, (found) => bookTicker(found, nowMs()))),
    ],
    ['/api/v3/klines', flat(2, (query) => klines(history(query), nowMs(), query))],
    ['/api/v3/aggTrades', flat(4, (query) => aggTrades(history(query), nowMs(), query))],
    ['/api/v3/trades', flat(25, (query) => trades(history(query), nowMs(), query))],
    ['/api/v3/historicalTrades', flat(25, (query) => trades(history(query), nowMs(), query))],
    [
      '/api/v3/depth',
      {
        weight: (query) => depthWeight(query.limit(100, maxDepth)),
        answer: (query) => depth(market(query), nowMs(), query.limit(100, maxDepth)),
      },
    ],
  ]);
}

function tickerWeight(query: Query): number {
  const count = query.symbols()?.length ?? Infinity;
  return count <= 20 ? 2 : count <= 100 ? 40 : 80;
}

function depthWeight(limit: number): number {
  return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1_000 ? 50 : 250;
}
