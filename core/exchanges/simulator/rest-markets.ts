import { barOver } from './bars.ts';
import { bookAt, sideText, slotOf, type Book } from './book.ts';
import { bigDecimalText, decimalText, stepText } from './decimal.ts';
import { barText, priceText } from './messages.ts';
import { minutesPerDay } from './minutes.ts';
import { minuteMs, type MarketTape } from './market-tape.ts';
import type { Market } from './markets.ts';
import { openPerMarket } from './orders/exchange-orders.ts';
import { orderLimits } from './orders/order-count.ts';
import { orderTypes } from './orders/terms.ts';

/** `exchangeInfo` as the exchange answers it, for these markets. */
export function exchangeInfo(markets: readonly MarketTape[], nowMs: number, weightLimit: number): unknown {
  return {
    timezone: 'UTC',
    serverTime: nowMs,
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: weightLimit },
      { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 61_000 },
      ...orderLimits,
    ],
    exchangeFilters: [],
    symbols: markets.map((tape) => ({
      ...{ symbol: tape.market.symbol, status: tape.status(nowMs) },
      ...rulesOf(tape.market),
    })),
  };
}

function rulesOf(market: Market) {
  return {
    ...{ baseAsset: market.base, baseAssetPrecision: 8 },
    ...{ quoteAsset: market.quote, quotePrecision: 8, quoteAssetPrecision: 8 },
    ...{ baseCommissionPrecision: 8, quoteCommissionPrecision: 8 },
    orderTypes,
    ...{ icebergAllowed: false, ocoAllowed: false, otoAllowed: false, quoteOrderQtyMarketAllowed: false },
    ...{ isSpotTradingAllowed: true, isMarginTradingAllowed: false },
    filters: [
      {
        filterType: 'PRICE_FILTER',
        minPrice: stepText(market.tickDigits),
        maxPrice: '1000000.00000000',
        tickSize: stepText(market.tickDigits),
      },
      {
        filterType: 'LOT_SIZE',
        minQty: stepText(market.stepDigits),
        maxQty: '9000000000.00000000',
        stepSize: stepText(market.stepDigits),
      },
      {
        ...{ filterType: 'NOTIONAL', minNotional: market.minNotional, applyMinToMarket: true },
        ...{ maxNotional: '9000000.00000000', applyMaxToMarket: false, avgPriceMins: 5 },
      },
      { filterType: 'MAX_NUM_ORDERS', maxNumOrders: openPerMarket },
    ],
    ...{ permissions: ['SPOT'], permissionSets: [['SPOT']] },
  };
}

/**
 * `ticker/24hr`: exact for its window, which is the running minute and the 1,439 whole ones before it. Without a trade in
 * it everything is 0 but the price before, as at the exchange.
 */
export function ticker24h(tape: MarketTape, nowMs: number): unknown {
  const running = Math.floor(nowMs / minuteMs);
  const from = Math.max(tape.firstMinute, running - minutesPerDay + 1);
  const bar = barOver(tape, from, running + 1, nowMs);
  const window = { symbol: tape.market.symbol, openTime: from * minuteMs, closeTime: nowMs };
  if (bar.count === 0) return { ...withoutTrades, ...window, prevClosePrice: priceText(tape, bar.close) };
  const text = barText(tape, bar);
  const { tickDigits, stepDigits } = tape.market;
  const firstId = tape.firstId(from);
  // quote volume (ticks × lots) / volume (lots), with the price's digits and as many more as make eight.
  const scale = 10n ** BigInt(8 - tickDigits);
  const average = (bar.quoteVolume * scale) / BigInt(bar.volume);
  return {
    ...window,
    priceChange: bigDecimalText(BigInt(bar.close - bar.open), tickDigits),
    priceChangePercent: ((100 * (bar.close - bar.open)) / bar.open).toFixed(3),
    weightedAvgPrice: bigDecimalText(average, 8),
    ...{ prevClosePrice: text.open, lastPrice: text.close },
    lastQty: decimalText(lastLots(tape, nowMs), stepDigits),
    ...bestOf(tape, nowMs),
    ...{ openPrice: text.open, highPrice: text.high, lowPrice: text.low },
    ...{ volume: text.volume, quoteVolume: text.quoteVolume },
    ...{ firstId, lastId: firstId + bar.count - 1, count: bar.count },
  };
}

const zero = '0.00000000';
const withoutTrades = {
  ...{
    priceChange: zero,
    priceChangePercent: '0.000',
    weightedAvgPrice: zero,
    lastPrice: zero,
    lastQty: zero,
  },
  ...{ bidPrice: zero, bidQty: zero, askPrice: zero, askQty: zero },
  ...{ openPrice: zero, highPrice: zero, lowPrice: zero, volume: zero, quoteVolume: zero },
  ...{ firstId: -1, lastId: -1, count: 0 },
};

export function tickerPrice(tape: MarketTape, nowMs: number): unknown {
  const running = Math.floor(nowMs / minuteMs);
  const bar = barOver(tape, running, running + 1, nowMs);
  return { symbol: tape.market.symbol, price: priceText(tape, bar.close) };
}

export function bookTicker(tape: MarketTape, nowMs: number): unknown {
  return { symbol: tape.market.symbol, ...bestOf(tape, nowMs) };
}

/** Best prices of the book. */
function bestOf(tape: MarketTape, nowMs: number) {
  const book = tape.isDelisted(nowMs) ? emptyBook : bookAt(tape, slotOf(nowMs));
  const [bidPrice, bidQty] = sideText(tape, book.bids, 1)[0] ?? [zero, zero];
  const [askPrice, askQty] = sideText(tape, book.asks, 1)[0] ?? [zero, zero];
  return { bidPrice, bidQty, askPrice, askQty };
}

export function depth(tape: MarketTape, nowMs: number, limit: number): unknown {
  const { lastUpdateId, bids, asks } = tape.isDelisted(nowMs) ? emptyBook : bookAt(tape, slotOf(nowMs));
  return { lastUpdateId, bids: sideText(tape, bids, limit), asks: sideText(tape, asks, limit) };
}

/** Orders end with the market. */
const emptyBook: Book = { lastUpdateId: 0, bids: { prices: [], lots: [] }, asks: { prices: [], lots: [] } };

function lastLots(tape: MarketTape, nowMs: number): number {
  const id = tape.nextId(nowMs) - 1;
  if (id < tape.oldestId) return 0;
  const { minute, index } = tape.placeOf(id);
  return tape.trades(minute).lots[index] ?? 0;
}
