import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { intervals } from '#core/market/interval.ts';
import type { CandlestickRecord, IndicatorsRecord, SignalRecord } from '#core/market/topics.ts';
import { plainDecimal, timeFromUs } from './format.ts';
import type { Candle } from './schemas/candles.ts';
import type { IndicatorRow } from './schemas/indicators.ts';
import type { Signal } from './schemas/signals.ts';

/**
 * Records of the topics `candlesticks`, `indicators` and `signals`, and of the tables that hold the same, as the API gives
 * them. What is checked is what is used.
 */

const Amount = Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' });
const TimeUs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Figure = Type.Union([Type.Number(), Type.Null()]);
const BarInterval = Type.Enum([...intervals]);
const ofMarket = { source: Type.String(), symbol: Type.String() };

const candlestick = Type.Object({
  ...ofMarket,
  interval: Type.Enum(['1s', ...intervals]),
  open_us: TimeUs,
  ...{ open: Amount, high: Amount, low: Amount, close: Amount, volume: Amount, quote_volume: Amount },
  trade_count: Type.Integer(),
  ...{ taker_buy_volume: Amount, taker_buy_quote_volume: Amount },
  ...{ is_filled: Type.Boolean(), is_complete: Type.Boolean() },
  revision: Type.Integer({ minimum: 1 }),
});

const indicators = Type.Object({
  ...ofMarket,
  interval: BarInterval,
  open_us: TimeUs,
  close: Type.Number(),
  ...{ sma_20: Figure, sma_50: Figure, sma_200: Figure },
  ...{ bb_upper: Figure, bb_lower: Figure, bb_percent_b: Figure },
  ...{ macd: Figure, macd_signal: Figure, macd_histogram: Figure },
  ...{ volatility_20: Figure, rsi_14: Figure },
  below_all_smas: Type.Union([Type.Boolean(), Type.Null()]),
  is_filled: Type.Boolean(),
  revision: Type.Integer({ minimum: 1 }),
});

const signal = Type.Object({
  signal_id: Type.String(),
  strategy: Type.String(),
  version: Type.String(),
  ...ofMarket,
  interval: BarInterval,
  open_us: TimeUs,
  signal: Type.Enum(['BUY', 'SELL']),
  price: Amount,
  reason: Type.String(),
  sma_50: Type.Number(),
  sma_200: Type.Number(),
  created_us: TimeUs,
});

const candlestickCheck = Compile(candlestick);
const indicatorsCheck = Compile(indicators);
const signalCheck = Compile(signal);

/** What of a record is read; the topic's record has all of it. */
export type Candlestick = Extends<CandlestickRecord, Static<typeof candlestick>>;
export type Indicators = Extends<IndicatorsRecord, Static<typeof indicators>>;
export type SignalSaid = Extends<SignalRecord, Static<typeof signal>>;
type Extends<T extends U, U> = T extends U ? U : never;

export function isCandlestick(record: unknown): record is Candlestick {
  return candlestickCheck.Check(record);
}

export function isIndicators(record: unknown): record is Indicators {
  return indicatorsCheck.Check(record);
}

export function isSignal(record: unknown): record is SignalSaid {
  return signalCheck.Check(record);
}

export function candleOf(record: Omit<Candlestick, 'source' | 'symbol' | 'interval'>): Candle {
  return {
    openTime: timeFromUs(record.open_us),
    open: plainDecimal(record.open),
    high: plainDecimal(record.high),
    low: plainDecimal(record.low),
    close: plainDecimal(record.close),
    volume: plainDecimal(record.volume),
    quoteVolume: plainDecimal(record.quote_volume),
    trades: record.trade_count,
    takerBuyVolume: plainDecimal(record.taker_buy_volume),
    takerBuyQuoteVolume: plainDecimal(record.taker_buy_quote_volume),
    isFilled: record.is_filled,
    isComplete: record.is_complete,
    origin: 'candle',
    revision: record.revision,
  };
}

export function indicatorRowOf(
  record: Omit<Indicators, 'source' | 'symbol' | 'interval' | 'revision'>,
): IndicatorRow {
  return {
    openTime: timeFromUs(record.open_us),
    close: record.close,
    sma20: record.sma_20,
    sma50: record.sma_50,
    sma200: record.sma_200,
    bbUpper: record.bb_upper,
    bbLower: record.bb_lower,
    bbPercentB: record.bb_percent_b,
    macd: record.macd,
    macdSignal: record.macd_signal,
    macdHistogram: record.macd_histogram,
    volatility20: record.volatility_20,
    rsi14: record.rsi_14,
    belowAllSmas: record.below_all_smas,
    isFilled: record.is_filled,
  };
}

export function signalOf(record: SignalSaid): Signal {
  const { strategy, version, symbol, source, interval, reason } = record;
  return {
    signalId: record.signal_id,
    ...{ strategy, version, symbol, source, interval },
    openTime: timeFromUs(record.open_us),
    signal: record.signal,
    price: plainDecimal(record.price),
    reason,
    sma50: record.sma_50,
    sma200: record.sma_200,
    createdAt: timeFromUs(record.created_us),
  };
}
