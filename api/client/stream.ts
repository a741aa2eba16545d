import type { ServerMessage, StreamTrade, SymbolTrades } from '../schemas/stream.ts';
import { openSocket, type ConnectionState } from './socket.ts';

export interface TradeStreamOptions {
  /** `ws://host:port/v1/stream` */
  url: string;
  symbols: readonly string[];
  source?: string;
  /** New trades, none of them twice. With `reset` trades may lie between these and those before. */
  onTrades: (data: readonly SymbolTrades[], reset: boolean) => void;
  onState?: (state: ConnectionState) => void;
}

export interface TradeStream {
  /** Follows these markets from now on. */
  follow(symbols: readonly string[]): void;
  close(): void;
}

const rememberedMax = 5_000;

/**
 * Live trades of some markets. Reconnects by itself, and goes on where it was by the token of the last message.
 */
export function openTradeStream(options: TradeStreamOptions): TradeStream {
  const seen = new Map<string, Set<number>>();
  let symbols = [...options.symbols];
  let resumeToken: string | undefined;
  const socket = openSocket({
    url: options.url,
    onOpen: () => {
      if (symbols.length > 0) subscribe(symbols, resumeToken);
    },
    onMessage: receive,
    ...(options.onState === undefined ? {} : { onState: options.onState }),
  });

  return {
    follow(wanted) {
      const added = wanted.filter((symbol) => !symbols.includes(symbol));
      symbols = [...symbols, ...added];
      if (added.length > 0 && socket.isOpen) subscribe(added, undefined);
    },
    close: () => socket.close(),
  };

  function subscribe(to: readonly string[], token: string | undefined): void {
    const source = options.source === undefined ? {} : { source: options.source };
    const resume = token === undefined ? {} : { resumeToken: token };
    socket.send({ op: 'subscribe', channel: 'trades', symbols: [...to], ...source, ...resume });
  }

  function receive(message: ServerMessage): void {
    if (message.op !== 'snapshot' && message.op !== 'update') return;
    if (message.channel !== 'trades') return;
    resumeToken = message.resumeToken;
    const data = message.data
      .map((market) => ({ ...market, trades: unseen(`${market.source}|${market.symbol}`, market.trades) }))
      .filter((market) => market.trades.length > 0);
    const reset = message.op === 'snapshot' && message.reset;
    if (data.length > 0 || reset) options.onTrades(data, reset);
  }

  function unseen(key: string, trades: readonly StreamTrade[]): StreamTrade[] {
    const ids = seen.get(key) ?? new Set<number>();
    seen.set(key, ids);
    return trades.filter(({ sequence }) => {
      if (ids.has(sequence)) return false;
      ids.add(sequence);
      if (ids.size > rememberedMax) for (const oldest of ids) return ids.delete(oldest);
      return true;
    });
  }
}
