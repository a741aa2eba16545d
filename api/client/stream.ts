import type { ServerMessage, StreamTrade, SymbolTrades } from '../schemas/stream.ts';

export type ConnectionState = 'connecting' | 'live' | 'waiting';

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

const retryMsMin = 250;
const retryMsMax = 10_000;
const quietMs = 20_000;
const rememberedMax = 5_000;

/**
 * Live trades of some markets. Reconnects by itself, and goes on where it was by the token of the last message.
 */
export function openTradeStream(options: TradeStreamOptions): TradeStream {
  const seen = new Map<string, Set<number>>();
  let symbols = [...options.symbols];
  let socket: WebSocket | undefined;
  let resumeToken: string | undefined;
  let retryMs = retryMsMin;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  connect();

  return {
    follow(wanted) {
      const added = wanted.filter((symbol) => !symbols.includes(symbol));
      symbols = [...symbols, ...added];
      if (added.length > 0 && socket?.readyState === WebSocket.OPEN) subscribe(added, undefined);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };

  function connect(): void {
    options.onState?.('connecting');
    const opened = new WebSocket(options.url);
    socket = opened;
    watch(opened);
    opened.addEventListener('open', () => {
      options.onState?.('live');
      if (symbols.length > 0) subscribe(symbols, resumeToken);
    });
    opened.addEventListener('message', (event) => {
      watch(opened);
      if (typeof event.data === 'string') receive(JSON.parse(event.data) as ServerMessage);
    });
    opened.addEventListener('close', () => {
      if (socket === opened) reconnect();
    });
  }

  function reconnect(): void {
    clearTimeout(timer);
    if (closed) return;
    options.onState?.('waiting');
    // Spread out, so that many clients do not come back at the same moment.
    timer = setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, retryMsMax);
  }

  /** A socket that says nothing for long is asked, then given up. */
  function watch(of: WebSocket): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (of.readyState === WebSocket.OPEN) of.send('{"op":"ping"}');
      timer = setTimeout(() => {
        if (socket !== of) return;
        socket = undefined;
        of.close();
        reconnect();
      }, quietMs);
    }, quietMs);
  }

  function subscribe(to: readonly string[], token: string | undefined): void {
    const source = options.source === undefined ? {} : { source: options.source };
    const resume = token === undefined ? {} : { resumeToken: token };
    socket?.send(JSON.stringify({ op: 'subscribe', channel: 'trades', symbols: to, ...source, ...resume }));
  }

  function receive(message: ServerMessage): void {
    if (message.op !== 'snapshot' && message.op !== 'update') return;
    retryMs = retryMsMin;
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
