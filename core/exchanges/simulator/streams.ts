import { intervals } from './messages.ts';

/** What a stream's name asks for. */
export type StreamTopic =
  | { kind: 'trade' | 'bookTicker' | 'depth'; symbol: string }
  | { kind: 'kline'; symbol: string; interval: string };

/** `btcusdt@kline_1m` → its parts; undefined for what the simulator does not send. */
export function topicOf(name: string): StreamTopic | undefined {
  const [market = '', what = ''] = split(name);
  const symbol = market.toUpperCase();
  if (market === '' || market !== market.toLowerCase()) return undefined;
  switch (what) {
    case 'trade':
      return { kind: 'trade', symbol };
    case 'bookTicker':
      return { kind: 'bookTicker', symbol };
    case 'depth':
    case 'depth@100ms':
      return { kind: 'depth', symbol };
  }
  const interval = what.startsWith('kline_') ? what.slice('kline_'.length) : '';
  return intervals.has(interval) ? { kind: 'kline', symbol, interval } : undefined;
}

function split(name: string): string[] {
  const at = name.indexOf('@');
  return at < 0 ? [] : [name.slice(0, at), name.slice(at + 1)];
}
