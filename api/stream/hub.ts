import { LRUCache } from 'lru-cache';
import type { Metrics } from '#core/platform/metrics.ts';
import type { LogTrade } from './records.ts';
import { encodeToken, type LogPlace } from './resume-token.ts';
import { snapshotText, symbolTradesText, updateText } from './frames.ts';
import type { TailListener } from './tail.ts';
import { TradeWindow, type WindowEntry } from './window.ts';

/** Somebody who gets what happens on the markets they asked for. */
export interface Subscriber {
  /** Markets by {@link marketKey}. */
  readonly keys: Set<string>;
  /** Hands over one message; never waits. */
  send(text: string): void;
}

export interface Hub extends TailListener {
  readonly tailing: boolean;
  /** The newest trade of a market since the process started, or shortly before. */
  last(source: string, symbol: string): WindowEntry | undefined;
  /** Markets of a source of which the newest trades are held. */
  symbols(source: string): string[];
  /** Sends the newest trades of markets, then all that follow. */
  subscribe(subscriber: Subscriber, keys: readonly string[], reset: boolean): void;
  /** Whether all trades of markets from a place on are at hand, and no place is ahead of what was read. */
  canServe(keys: readonly string[], place: LogPlace): boolean;
  /**
   * Sends the trades from `place` on that `isNew` lets through, then all that follow. Only where
   * {@link Hub.canServe} holds, in the same turn of the event loop.
   */
  resume(
    subscriber: Subscriber,
    keys: readonly string[],
    place: LogPlace,
    isNew: (key: string, trade: WindowEntry) => boolean,
  ): void;
  unsubscribe(subscriber: Subscriber, keys: readonly string[]): void;
  remove(subscriber: Subscriber): void;
  close(): void;
}

export function marketKey(source: string, symbol: string): string {
  return `${source}|${symbol}`;
}

const frameMs = 75;
const pendingTradesMax = 5_000;
const marketsMax = 1_000;
const snapshotTrades = 100;

/** Keeps the newest trades of all markets and hands what is new to subscribers, in frames of 75 ms. */
export function createHub(metrics: Metrics): Hub {
  return new TradeHub(metrics);
}

class TradeHub implements Hub {
  readonly #subscribers = new Set<Subscriber>();
  readonly #windows: LRUCache<string, TradeWindow>;
  readonly #pending = new Map<string, string[]>();
  readonly #metrics: ReturnType<typeof hubMetrics>;
  #pendingTrades = 0;
  #timer: NodeJS.Timeout | undefined;
  #tailing = false;
  #incarnation = '';
  #offsets: number[] = [];
  /** What a market without a window had no trade since. */
  #quietSince: number[] = [];

  constructor(metrics: Metrics) {
    this.#metrics = hubMetrics(metrics);
    this.#windows = new LRUCache({
      max: marketsMax,
      dispose: (_window, _key, reason) => {
        if (reason === 'evict') this.#quietSince = [...this.#offsets];
      },
    });
  }

  get tailing(): boolean {
    return this.#tailing;
  }

  attached(reading: boolean): void {
    this.#tailing = reading;
    this.#metrics.tailing.set(reading ? 1 : 0);
  }

  restarted(place: LogPlace): void {
    this.#flush();
    this.#windows.clear();
    this.#incarnation = place.incarnation;
    this.#offsets = [...place.offsets];
    this.#quietSince = [...place.offsets];
    for (const subscriber of this.#subscribers) {
      if (subscriber.keys.size > 0) subscriber.send(this.#snapshot([...subscriber.keys], true));
    }
  }

  trades(partition: number, trades: Iterable<LogTrade>, nextOffset: number): void {
    for (const trade of trades) this.#take(partition, trade);
    this.#offsets[partition] = nextOffset;
    if (this.#pendingTrades >= pendingTradesMax) this.#flush();
    else if (this.#pendingTrades > 0) this.#timer ??= setTimeout(() => this.#flush(), frameMs);
  }

  last(source: string, symbol: string): WindowEntry | undefined {
    return this.#windows.peek(marketKey(source, symbol))?.last;
  }

  symbols(source: string): string[] {
    return [...this.#windows.values()]
      .filter((window) => window.source === source && window.last !== undefined)
      .map((window) => window.symbol);
  }

  subscribe(subscriber: Subscriber, keys: readonly string[], reset: boolean): void {
    this.#flush();
    subscriber.send(this.#snapshot(keys, reset));
    this.#attach(subscriber, keys);
  }

  canServe(keys: readonly string[], place: LogPlace): boolean {
    if (place.incarnation !== this.#incarnation || place.offsets.length !== this.#offsets.length)
      return false;
    if (place.offsets.some((offset, partition) => offset > (this.#offsets[partition] ?? 0))) return false;
    return keys.every((key) => {
      const window = this.#windows.peek(key);
      if (window !== undefined) return window.floorOffset <= (place.offsets[window.partition] ?? -1);
      return place.offsets.every((offset, partition) => offset >= (this.#quietSince[partition] ?? 0));
    });
  }

  resume(...[subscriber, keys, place, isNew]: Parameters<Hub['resume']>): void {
    this.#flush();
    const data = keys.flatMap((key) => {
      const window = this.#windows.peek(key);
      if (window === undefined) return [];
      const missed = window
        .from(place.offsets[window.partition] ?? 0)
        .filter((entry) => isNew(key, entry))
        .map((entry) => entry.json);
      return missed.length === 0 ? [] : [symbolTradesText(window.source, window.symbol, missed)];
    });
    subscriber.send(updateText(data, this.#token()));
    this.#attach(subscriber, keys);
  }

  unsubscribe(subscriber: Subscriber, keys: readonly string[]): void {
    for (const key of keys) subscriber.keys.delete(key);
    this.#showSubscriptions();
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#showSubscriptions();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#subscribers.clear();
  }

  #take(partition: number, trade: LogTrade): void {
    const key = marketKey(trade.source, trade.symbol);
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = new TradeWindow(trade.source, trade.symbol, partition, this.#quietSince[partition] ?? 0);
      this.#windows.set(key, window);
      this.#metrics.markets.set(this.#windows.size);
    }
    const taken = window.take(trade);
    this.#metrics.trades.inc({ taken });
    if (taken !== 'new') return;
    const pending = this.#pending.get(key);
    if (pending === undefined) this.#pending.set(key, [trade.json]);
    else pending.push(trade.json);
    this.#pendingTrades += 1;
  }

  /** Each market's trades become text once, whoever gets them; the token is the same for all. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pendingTrades === 0) return;
    const texts = new Map<string, string>();
    for (const [key, trades] of this.#pending) {
      const separator = key.indexOf('|');
      texts.set(key, symbolTradesText(key.slice(0, separator), key.slice(separator + 1), trades));
    }
    this.#pending.clear();
    this.#pendingTrades = 0;
    const token = this.#token();
    for (const subscriber of this.#subscribers) {
      const data: string[] = [];
      for (const [key, text] of texts) if (subscriber.keys.has(key)) data.push(text);
      if (data.length > 0) subscriber.send(updateText(data, token));
    }
  }

  #attach(subscriber: Subscriber, keys: readonly string[]): void {
    for (const key of keys) subscriber.keys.add(key);
    this.#subscribers.add(subscriber);
    this.#showSubscriptions();
  }

  #snapshot(keys: readonly string[], reset: boolean): string {
    const data = keys.flatMap((key) => {
      const window = this.#windows.peek(key);
      if (window === undefined) return [];
      const trades = window.newest(snapshotTrades).map((entry) => entry.json);
      return [symbolTradesText(window.source, window.symbol, trades)];
    });
    return snapshotText(data, reset, this.#token());
  }

  #token(): string {
    return encodeToken({ incarnation: this.#incarnation, offsets: this.#offsets });
  }

  #showSubscriptions(): void {
    let subscriptions = 0;
    for (const subscriber of this.#subscribers) subscriptions += subscriber.keys.size;
    this.#metrics.subscriptions.set(subscriptions);
  }
}

function hubMetrics(metrics: Metrics) {
  return {
    tailing: metrics.gauge('ticklake_stream_tailing', 'Whether live trades are being read from the log'),
    markets: metrics.gauge('ticklake_stream_markets', 'Markets whose newest trades are held'),
    subscriptions: metrics.gauge('ticklake_stream_subscriptions', 'Markets asked for, over all clients'),
    trades: metrics.counter(
      'ticklake_stream_trades_total',
      'Trades read from the log, by what became of them',
      ['taken'],
    ),
  };
}
