import type { StreamKind } from '#core/exchanges/exchange.ts';

/** What a combined stream's name stands for: `btcusdt@kline_1m` → BTCUSDT, kline, 1m. */
export interface StreamName {
  symbol: string;
  kind: StreamKind;
  /** For klines; empty otherwise. */
  interval: string;
}

/** Kline intervals of Binance spot. */
export const klineIntervals: readonly string[] = [
  ...['1s', '1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d', '3d', '1w', '1M'],
];

const symbolForm = /^[\p{L}\p{N}_.-]{1,40}$/u;

export function isSymbol(text: unknown): text is string {
  return typeof text === 'string' && symbolForm.test(text) && text === text.toUpperCase();
}

/** The name of the stream that carries these events, without time unit: `BTCUSDT`, trade → `btcusdt@trade`. */
export function streamName(symbol: string, kind: StreamKind, interval = ''): string {
  const market = symbol.toLowerCase();
  switch (kind) {
    case 'trade':
      return `${market}@trade`;
    case 'kline':
      return `${market}@kline_${interval}`;
    case 'quote':
      return `${market}@bookTicker`;
    case 'depth':
      return `${market}@depth@100ms`;
  }
}

/** The reverse of {@link streamName}; undefined for streams this adapter does not speak. */
export function parseStreamName(name: string): StreamName | undefined {
  const at = name.indexOf('@');
  if (at < 1) return undefined;
  const symbol = name.slice(0, at).toUpperCase();
  if (!isSymbol(symbol)) return undefined;
  const what = name.slice(at + 1);
  if (what === 'trade') return { symbol, kind: 'trade', interval: '' };
  if (what === 'bookTicker') return { symbol, kind: 'quote', interval: '' };
  if (what === 'depth' || what === 'depth@100ms') return { symbol, kind: 'depth', interval: '' };
  const interval = what.startsWith('kline_') ? what.slice('kline_'.length) : '';
  return klineIntervals.includes(interval) ? { symbol, kind: 'kline', interval } : undefined;
}
