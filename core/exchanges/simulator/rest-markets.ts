import { barOver } from './bars.ts';
import { bookAt, sideText, slotOf } from './book.ts';
import { bigDecimalText, decimalText, stepText } from './decimal.ts';
import { barText, priceText } from './messages.ts';
import { minutesPerDay } from './minutes.ts';
import { minuteMs, type MarketTape } from './tape.ts';

/** `exchangeInfo` as the exchange answers it, for these markets. */
export function exchangeInfo(markets: readonly MarketTape[], nowMs: number, weightLimit: number): unknown {
  return {
    timezone: 'UTC',
    serverTime: nowMs,
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: weightLimit },
      { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 61_000 },
    ],
    exchangeFilters: [],
    symbols: markets.map(({ market }) => ({
      ...{ symbol: market.symbol, status: 'TRADING' },
      ...{ baseAsset: market.base, baseAssetPrecision: 8 },
      ...{ quoteAsset: market.quote, quotePrecision: 8, quoteAssetPrecision: 8 },
      ...{ baseCommissionPrecision: 8, quoteCommissionPrecision: 8 },
      orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT_LIMIT'],
      ...{ icebergAllowed: true, ocoAllowed: true, otoAllowed: true, quoteOrderQtyMarketAllowed: true },
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
      ],
      ...{ permissions: ['SPOT'], permissionSets: [['SPOT']] },
    })),
  };
}

/**
 * `ticker/24hr`: exact for its window, which is the running minute and the 1,439 whole ones before it.
 */
export function ticker24h(tape: MarketTape, nowMs: number): unknown {
  const running = Math.floor(nowMs / minuteMs);
  const from = Math.max(tape.firstMinute, running - minutesPerDay + 1);
  const bar = barOver(tape, from, running + 1, nowMs);
  const text = barText(tape, bar);
  const { tickDigits, stepDigits } = tape.market;
  const firstId = tape.firstId(from);
  const book = bookAt(tape, slotOf(nowMs));
  const bid = sideText(tape, book.bids, 1)[0];
  const ask = sideText(tape, book.asks, 1)[0];
  // quote volume (ticks × lots) / volume (lots), with the price's digits and as many more as make eight.
  const scale = 10n ** BigInt(8 - tickDigits);
  const average = bar.volume === 0 ? 0n : (bar.quoteVolume * scale) / BigInt(bar.volume);
  return {
    symbol: tape.market.symbol,
    priceChange: bigDecimalText(BigInt(bar.close - bar.open), tickDigits),
    priceChangePercent: ((100 * (bar.close - bar.open)) / bar.open).toFixed(3),
    weightedAvgPrice: bigDecimalText(average, 8),
    ...{ prevClosePrice: text.open, lastPrice: text.close },
    lastQty: decimalText(lastLots(tape, nowMs), stepDigits),
    ...{ bidPrice: bid?.[0], bidQty: bid?.[1], askPrice: ask?.[0], askQty: ask?.[1] },
    ...{ openPrice: text.open, highPrice: text.high, lowPrice: text.low },
    ...{ volume: text.volume, quoteVolume: text.quoteVolume },
    ...{ openTime: from * minuteMs, closeTime: nowMs },
    ...(bar.count === 0 ? { firstId: -1, lastId: -1 } : { firstId, lastId: firstId + bar.count - 1 }),
    count: bar.count,
  };
}

export function tickerPrice(tape: MarketTape, nowMs: number): unknown {
  const running = Math.floor(nowMs / minuteMs);
  const bar = barOver(tape, running, running + 1, nowMs);
  return { symbol: tape.market.symbol, price: priceText(tape, bar.close) };
}

export function bookTicker(tape: MarketTape, nowMs: number): unknown {
  const book = bookAt(tape, slotOf(nowMs));
  const bid = sideText(tape, book.bids, 1)[0];
  const ask = sideText(tape, book.asks, 1)[0];
  return {
    symbol: tape.market.symbol,
    bidPrice: bid?.[0],
    bidQty: bid?.[1],
    askPrice: ask?.[0],
    askQty: ask?.[1],
  };
}

export function depth(tape: MarketTape, nowMs: number, limit: number): unknown {
  const { lastUpdateId, bids, asks } = bookAt(tape, slotOf(nowMs));
  return { lastUpdateId, bids: sideText(tape, bids, limit), asks: sideText(tape, asks, limit) };
}

function lastLots(tape: MarketTape, nowMs: number): number {
  const id = tape.nextId(nowMs) - 1;
  if (id < 1) return 0;
  const { minute, index } = tape.placeOf(id);
  return tape.trades(minute).lots[index] ?? 0;
}
