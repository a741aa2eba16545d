import type { Static } from 'typebox';
import type {
  AggTrade,
  AggTradeRequest,
  ExchangeKline,
  ExchangeSymbol,
  KlineRequest,
  OrderBook,
  Ticker,
} from '#core/exchanges/exchange.ts';
import type { Trade } from '#core/market/trade.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import * as answers from './answers.ts';
import type { HttpClient } from './http.ts';
import { integerTimeUs } from './values.ts';

/** Weights as documented for Binance spot; the header of each answer has the last word. */
export const requestWeights = {
  ...{ exchangeInfo: 20, tickers: 80, klines: 2, historicalTrades: 25, aggTrades: 4, time: 1 },
} as const;

/** Most rows the venue gives in one answer. */
const maxRows = 1_000;

export async function fetchSymbols(http: HttpClient, signal?: AbortSignal) {
  const info = await http.get(answers.exchangeInfo, {}, requestWeights.exchangeInfo, signal);
  const perMinute = info.rateLimits.find(
    (limit) =>
      limit.rateLimitType === 'REQUEST_WEIGHT' && limit.interval === 'MINUTE' && limit.intervalNum === 1,
  );
  return { symbols: info.symbols.map(toSymbol), weightPerMinute: perMinute?.limit };
}

export async function fetchTickers(http: HttpClient, signal?: AbortSignal): Promise<Ticker[]> {
  const rows = await http.get(answers.ticker24hr, {}, requestWeights.tickers, signal);
  return rows.map(toTicker);
}

/** `isClosed` is false throughout: REST does not say. */
export async function fetchKlines(
  http: HttpClient,
  request: KlineRequest,
  signal?: AbortSignal,
): Promise<ExchangeKline[]> {
  const { symbol, interval } = request;
  const query = {
    ...{ symbol, interval, limit: rowLimit(request.limit) },
    startTime: request.fromUs === undefined ? undefined : Math.ceil(request.fromUs / 1000),
    endTime: request.toUs === undefined ? undefined : Math.floor(request.toUs / 1000),
  };
  const rows = await http.get(answers.klines, query, requestWeights.klines, signal);
  const bars = rows.map((row) => toKline(symbol, interval, row));
  requireAscending(answers.klines.path, bars, (bar) => bar.openTimeUs, request.fromUs ?? 0);
  return bars;
}

/** The first bar since 1970 that the venue gives. */
export async function fetchFirstKline(
  http: HttpClient,
  symbol: string,
  interval: string,
  signal?: AbortSignal,
): Promise<ExchangeKline | undefined> {
  const [first] = await fetchKlines(http, { symbol, interval, fromUs: 0, limit: 1 }, signal);
  return first;
}

export async function fetchTrades(
  http: HttpClient,
  source: string,
  symbol: string,
  fromId: number,
  limit: number,
  signal?: AbortSignal,
): Promise<Trade[]> {
  const query = { symbol, fromId, limit: rowLimit(limit) };
  const rows = await http.get(answers.historicalTrades, query, requestWeights.historicalTrades, signal);
  const trades = rows.map((row) => toTrade(source, symbol, row));
  requireAscending(answers.historicalTrades.path, trades, (trade) => trade.tradeId, fromId);
  return trades;
}

export async function fetchAggTrades(
  http: HttpClient,
  request: AggTradeRequest,
  signal?: AbortSignal,
): Promise<AggTrade[]> {
  const { symbol, fromId } = request;
  const query = {
    ...{ symbol, fromId, limit: rowLimit(request.limit) },
    startTime: request.fromUs === undefined ? undefined : Math.ceil(request.fromUs / 1000),
    endTime: request.toUs === undefined ? undefined : Math.floor(request.toUs / 1000),
  };
  const rows = await http.get(answers.aggTrades, query, requestWeights.aggTrades, signal);
  const trades = rows.map((row) => toAggTrade(symbol, row));
  requireAscending(answers.aggTrades.path, trades, (trade) => trade.aggregateId, fromId ?? 0);
  return trades;
}

export async function fetchDepth(
  http: HttpClient,
  symbol: string,
  limit: number,
  signal?: AbortSignal,
): Promise<OrderBook> {
  const weight = limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
  const book = await http.get(answers.depth, { symbol, limit }, weight, signal);
  return { symbol, ...book };
}

export async function fetchTimeUs(http: HttpClient, signal?: AbortSignal): Promise<number> {
  const { serverTime } = await http.get(answers.time, {}, requestWeights.time, signal);
  return integerTimeUs(serverTime);
}

function toSymbol(rules: Static<typeof answers.SymbolRules>): ExchangeSymbol {
  const filter = (...types: string[]) => rules.filters.find(({ filterType }) => types.includes(filterType));
  const lot = filter('LOT_SIZE');
  return {
    symbol: rules.symbol,
    base: rules.baseAsset,
    quote: rules.quoteAsset,
    status: rules.status,
    permissions: [...new Set([...(rules.permissions ?? []), ...(rules.permissionSets ?? []).flat()])].sort(),
    tickSize: filter('PRICE_FILTER')?.tickSize ?? '0',
    stepSize: lot?.stepSize ?? '0',
    minQuantity: lot?.minQty ?? '0',
    minNotional: filter('NOTIONAL', 'MIN_NOTIONAL')?.minNotional ?? '0',
  };
}

function toTicker(row: Static<typeof answers.TickerRow>): Ticker {
  const { symbol, lastPrice, openPrice, highPrice, lowPrice, volume, quoteVolume } = row;
  return {
    ...{ symbol, lastPrice, openPrice, highPrice, lowPrice, volume, quoteVolume },
    openTimeUs: integerTimeUs(row.openTime),
    closeTimeUs: integerTimeUs(row.closeTime),
    firstTradeId: row.firstId,
    lastTradeId: row.lastId,
    tradeCount: row.count,
  };
}

function toKline(symbol: string, interval: string, row: Static<typeof answers.KlineRow>): ExchangeKline {
  const [openTime, open, high, low, close, volume, closeTime, quoteVolume, tradeCount, buy, buyQuote] = row;
  return {
    ...{
      symbol,
      interval,
      openTimeUs: integerTimeUs(openTime),
      closeTimeUs: integerTimeUs(closeTime),
      open,
      high,
      low,
      close,
      volume,
    },
    ...{ quoteVolume, tradeCount, takerBuyVolume: buy, takerBuyQuoteVolume: buyQuote },
    isClosed: false,
  };
}

function toTrade(source: string, symbol: string, row: Static<typeof answers.TradeRow>): Trade {
  return {
    ...{ source, symbol, tradeId: row.id, price: row.price, volume: row.qty },
    side: row.isBuyerMaker ? 'sell' : 'buy',
    timestampUs: integerTimeUs(row.time),
  };
}

function toAggTrade(symbol: string, row: Static<typeof answers.AggTradeRow>): AggTrade {
  return {
    ...{ symbol, aggregateId: row.a, price: row.p, volume: row.q, firstTradeId: row.f, lastTradeId: row.l },
    side: row.m ? 'sell' : 'buy',
    timestampUs: integerTimeUs(row.T),
  };
}

function rowLimit(limit: number | undefined): number {
  return Math.max(1, Math.min(limit ?? maxRows, maxRows));
}

/** Pages are fetched by the last row's key: a row out of order would make a caller skip or loop. */
function requireAscending<T>(
  path: string,
  rows: readonly T[],
  keyOf: (row: T) => number,
  from: number,
): void {
  let least = from;
  for (const row of rows) {
    const key = keyOf(row);
    if (key < least) {
      throw new TicklakeError('EXCHANGE_MALFORMED', `the answer of GET ${path} is out of order at ${key}`, {
        remedy: 'Send the request again; if it happens again, report it to the exchange.',
        context: { path, key },
      });
    }
    least = key + 1;
  }
}
