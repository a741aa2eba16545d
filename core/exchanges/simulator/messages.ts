import { bigDecimalText, decimalText } from './decimal.ts';
import { barOver, type Bar } from './bars.ts';
import { minuteMs, type MarketTape } from './market-tape.ts';

/** Kline intervals in minutes, each dividing a day. */
export const intervals: ReadonlyMap<string, number> = new Map([
  ...([
    ['1m', 1],
    ['3m', 3],
    ['5m', 5],
    ['15m', 15],
    ['30m', 30],
  ] as const),
  ...([
    ['1h', 60],
    ['2h', 120],
    ['4h', 240],
    ['6h', 360],
    ['8h', 480],
    ['12h', 720],
    ['1d', 1_440],
  ] as const),
]);

export function priceText(tape: MarketTape, ticks: number): string {
  return decimalText(ticks, tape.market.tickDigits);
}

export function quantityText(tape: MarketTape, lots: number): string {
  return decimalText(lots, tape.market.stepDigits);
}

export function quoteText(tape: MarketTape, units: bigint): string {
  return bigDecimalText(units, tape.market.tickDigits + tape.market.stepDigits);
}

/** A bar with its numbers as the exchange writes them. */
export interface BarText {
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  quoteVolume: string;
  count: number;
  buyVolume: string;
  buyQuoteVolume: string;
}

export function barText(tape: MarketTape, bar: Bar): BarText {
  return {
    open: priceText(tape, bar.open),
    high: priceText(tape, bar.high),
    low: priceText(tape, bar.low),
    close: priceText(tape, bar.close),
    volume: quantityText(tape, bar.volume),
    quoteVolume: quoteText(tape, bar.quoteVolume),
    count: bar.count,
    buyVolume: quantityText(tape, bar.buyVolume),
    buyQuoteVolume: quoteText(tape, bar.buyQuoteVolume),
  };
}

/** The data of a `trade` message. */
export function tradeMessage(tape: MarketTape, id: number, minute: number, index: number): string {
  const { price, lots, offsetMs, buyerIsMaker } = tape.trades(minute);
  const time = minute * minuteMs + (offsetMs[index] ?? 0);
  return (
    `{"e":"trade","E":${time},"s":"${tape.market.symbol}","t":${id},` +
    `"p":"${priceText(tape, price[index] ?? 0)}","q":"${quantityText(tape, lots[index] ?? 0)}",` +
    `"T":${time},"m":${buyerIsMaker[index] === 1},"M":true}`
  );
}

/** The data of a `kline` message for the bar that begins with minute `from`, as it is at `nowMs`. */
export function klineMessage(tape: MarketTape, interval: string, from: number, nowMs: number): string {
  const { symbol } = tape.market;
  const minutes = intervals.get(interval) ?? 1;
  const openTime = from * minuteMs;
  const closeTime = openTime + minutes * minuteMs - 1;
  const bar = barText(tape, barOver(tape, from, from + minutes, nowMs));
  const firstId = tape.firstId(from);
  return JSON.stringify({
    ...{ e: 'kline', E: nowMs, s: symbol },
    k: {
      ...{ t: openTime, T: closeTime, s: symbol, i: interval },
      ...(bar.count === 0 ? { f: -1, L: -1 } : { f: firstId, L: firstId + bar.count - 1 }),
      ...{ o: bar.open, c: bar.close, h: bar.high, l: bar.low, v: bar.volume, n: bar.count },
      ...{ x: nowMs > closeTime, q: bar.quoteVolume, V: bar.buyVolume, Q: bar.buyQuoteVolume, B: '0' },
    },
  });
}
