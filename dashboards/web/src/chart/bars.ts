import type { Candle, StreamTrade } from '#api/client/index.ts';
import { CandleSeries } from './candles.ts';

/** A bar as it is drawn. `time` is its begin, seconds since 1970 UTC. */
export interface Bar {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export type TradeTold = Pick<StreamTrade, 'sequence' | 'price' | 'volume' | 'timestamp'>;

/** The bar that goes on, as far as closed smaller bars tell of it: trades before `until` are in it. */
export interface Begun {
  bar: Bar;
  until: number;
}

/**
 * Bars of one market and length: closed ones as the service told them, and where it told none yet, made of trades. A trade
 * must not be added twice.
 */
export class ChartBars {
  readonly #closed = new Map<number, Bar>();
  readonly #made: CandleSeries;
  #begun: Begun | undefined;

  constructor(seconds: number) {
    this.#made = new CandleSeries(seconds);
  }

  /** Takes closed bars, which count more than trades; answers those that changed. */
  close(bars: readonly Bar[]): Bar[] {
    for (const bar of bars) this.#closed.set(bar.time, bar);
    return [...bars].sort(byTime);
  }

  /** Takes what is known of the bar that goes on; before any trade. */
  begin(begun: Begun | undefined): Bar[] {
    this.#begun = begun;
    return begun === undefined ? [] : [begun.bar];
  }

  /** Takes trades in any order; answers the bars that changed, oldest first. */
  trade(trades: readonly TradeTold[]): Bar[] {
    const until = this.#begun?.until ?? Number.NEGATIVE_INFINITY;
    const news = trades.filter(({ timestamp }) => Date.parse(timestamp) / 1_000 >= until);
    return this.#made
      .add(news)
      .filter(({ time }) => !this.#closed.has(time))
      .map((bar) => this.#whole(bar));
  }

  all(): Bar[] {
    const bars = new Map(this.#begun === undefined ? [] : [[this.#begun.bar.time, this.#begun.bar]]);
    for (const made of this.#made.all()) bars.set(made.time, this.#whole(made));
    for (const [time, bar] of this.#closed) bars.set(time, bar);
    return [...bars.values()].sort(byTime);
  }

  /** The bar with what smaller bars told of it. */
  #whole({ time, open, high, low, close, volume }: Bar): Bar {
    const begun = this.#begun?.bar;
    if (begun?.time !== time) return { time, open, high, low, close, volume };
    return joined(begun, { time, open, high, low, close, volume });
  }
}

/** One bar of two that follow each other; it begins where the first does. */
export function joined(first: Bar, second: Bar): Bar {
  return {
    time: first.time,
    open: first.open,
    high: Math.max(first.high, second.high),
    low: Math.min(first.low, second.low),
    close: second.close,
    volume: first.volume + second.volume,
  };
}

/** The newest bar of a length as far as bars of a shorter one tell of it, if these reach back to its begin. */
export function begunBy(smaller: readonly Bar[], smallerSeconds: number, seconds: number): Begun | undefined {
  const sorted = [...smaller].sort(byTime);
  const last = sorted.at(-1);
  if (last === undefined) return undefined;
  const time = Math.floor(last.time / seconds) * seconds;
  const [first, ...rest] = sorted.filter((bar) => bar.time >= time);
  if (first?.time !== time) return undefined;
  return { bar: rest.reduce(joined, first), until: last.time + smallerSeconds };
}

export function barOf({ openTime, open, high, low, close, volume }: Candle): Bar {
  return {
    time: timeOf(openTime),
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
    volume: Number(volume),
  };
}

/** Seconds since 1970 UTC. */
export function timeOf(time: string): number {
  return Math.floor(Date.parse(time) / 1_000);
}

function byTime(a: Bar, b: Bar): number {
  return a.time - b.time;
}
