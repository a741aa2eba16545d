import type { StreamTrade } from '#api/client/index.ts';

/** A bar made from trades; prices are for drawing. `time` is its start, seconds since 1970 UTC. */
export interface Candle {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  firstId: number;
  lastId: number;
}

const candlesMax = 2_000;

/** Bars of one market, made from trades in any order. A trade must not be added twice. */
export class CandleSeries {
  readonly seconds: number;
  readonly #candles = new Map<number, Candle>();

  constructor(seconds: number) {
    this.seconds = seconds;
  }

  /** Returns the bars that changed, oldest first. */
  add(trades: readonly Pick<StreamTrade, 'sequence' | 'price' | 'volume' | 'timestamp'>[]): Candle[] {
    const changed = new Map<number, Candle>();
    for (const trade of trades) {
      const candle = this.#addTrade(trade);
      changed.set(candle.time, candle);
    }
    this.#forget();
    return [...changed.values()].sort((a, b) => a.time - b.time);
  }

  all(): Candle[] {
    return [...this.#candles.values()].sort((a, b) => a.time - b.time);
  }

  #addTrade(trade: Pick<StreamTrade, 'sequence' | 'price' | 'volume' | 'timestamp'>): Candle {
    const seconds = Date.parse(trade.timestamp) / 1000;
    const time = Math.floor(seconds / this.seconds) * this.seconds;
    const price = Number(trade.price);
    const volume = Number(trade.volume);
    const known = this.#candles.get(time);
    const candle: Candle =
      known === undefined
        ? {
            time,
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            firstId: trade.sequence,
            lastId: trade.sequence,
          }
        : {
            time,
            open: trade.sequence < known.firstId ? price : known.open,
            high: Math.max(known.high, price),
            low: Math.min(known.low, price),
            close: trade.sequence > known.lastId ? price : known.close,
            volume: known.volume + volume,
            firstId: Math.min(known.firstId, trade.sequence),
            lastId: Math.max(known.lastId, trade.sequence),
          };
    this.#candles.set(time, candle);
    return candle;
  }

  #forget(): void {
    if (this.#candles.size <= candlesMax) return;
    for (const { time } of this.all().slice(0, this.#candles.size - candlesMax)) this.#candles.delete(time);
  }
}
