import type { ConnectionState, StreamTrade, SymbolTrades } from '#api/client/index.ts';
import { Observed } from './observed.ts';

/** A market as it moves. */
export interface LiveMarket {
  symbol: string;
  price: string;
  lastId: number;
  direction: 'up' | 'down' | 'flat';
  /** Grows with every change of price, so that a change can be seen. */
  changes: number;
  /** Prices sampled once a second while the page is open, oldest first; a statistic. */
  trend: readonly number[];
}

export interface TapeTrade extends StreamTrade {
  symbol: string;
}

/** Called with each frame's trades of a market, before the page is drawn again. */
export type TradeListener = (trades: readonly StreamTrade[], reset: boolean) => void;

const trendMax = 90;
const trendStepMs = 1_000;
const tapeMax = 60;

interface Market extends LiveMarket {
  sampledAt: number;
}

/** What the stream brought: a frame of it may hold hundreds of trades. */
export class LiveStore extends Observed {
  readonly #markets = new Map<string, Market>();
  readonly #tapes = new Map<string, TapeTrade[]>();
  readonly #tradeListeners = new Map<string, Set<TradeListener>>();
  #state: ConnectionState = 'connecting';

  state = (): ConnectionState => this.#state;
  market = (symbol: string): LiveMarket | undefined => this.#markets.get(symbol);
  tape = (symbol: string): readonly TapeTrade[] => this.#tapes.get(symbol) ?? empty;

  setState(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.changed();
  }

  take(data: readonly SymbolTrades[], reset: boolean): void {
    for (const { symbol, trades } of data) {
      this.#takeMarket(symbol, trades);
      const newest = trades.slice(-tapeMax).reverse();
      this.#tapes.set(
        symbol,
        [...newest.map((trade) => ({ ...trade, symbol })), ...this.tape(symbol)].slice(0, tapeMax),
      );
    }
    for (const { symbol, trades } of data) {
      for (const listener of this.#tradeListeners.get(symbol) ?? []) listener(trades, reset);
    }
    this.changed();
  }

  onTrades(symbol: string, listener: TradeListener): () => void {
    const listeners = this.#tradeListeners.get(symbol) ?? new Set();
    this.#tradeListeners.set(symbol, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  #takeMarket(symbol: string, trades: readonly StreamTrade[]): void {
    const known = this.#markets.get(symbol);
    const last = trades.reduce<StreamTrade | undefined>(
      (newest, trade) => (newest === undefined || trade.sequence > newest.sequence ? trade : newest),
      undefined,
    );
    if (last === undefined || (known !== undefined && last.sequence <= known.lastId)) return;
    const now = Date.now();
    const before = Number(known?.price ?? last.price);
    const price = Number(last.price);
    const sample = known === undefined || now - known.sampledAt >= trendStepMs;
    this.#markets.set(symbol, {
      symbol,
      price: last.price,
      lastId: last.sequence,
      direction: price > before ? 'up' : price < before ? 'down' : (known?.direction ?? 'flat'),
      changes: (known?.changes ?? 0) + (price === before ? 0 : 1),
      trend: sample ? [...(known?.trend ?? []), price].slice(-trendMax) : known.trend,
      sampledAt: sample ? now : known.sampledAt,
    });
  }
}

const empty: readonly TapeTrade[] = [];
