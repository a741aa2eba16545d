import { signalsTopic } from '#core/market/topics.ts';
import { isSignal, signalOf } from '../../live-records.ts';
import { entriesOf, type Channel } from '../channel.ts';
import type { SeriesRule } from '../interest.ts';
import { seriesKey, type Entry } from '../window.ts';

/** What strategies say; a series is a market, an interval and a strategy, and its bars have one signal at most. */
export const signalsChannel: Channel = {
  name: 'signals',
  topic: signalsTopic,
  decode: (lines, baseOffset) => entriesOf(lines, baseOffset, entryOf),
  groupText: (_key, signals) => signals.join(','),
  seriesMax: 8_000,
  heldMax: 20,
  rememberedMax: 100,
  snapshotOfSeries: 20,
  snapshotMax: 100,
};

/** Without a part, all. */
export interface SignalFilter {
  source?: string;
  symbols?: readonly string[];
  interval?: string;
}

/** The series that a filter lets through. */
export function signalsOf({ source, symbols, interval }: SignalFilter): SeriesRule {
  const wanted = symbols === undefined ? undefined : new Set(symbols);
  return {
    has(key) {
      const [ofSource, symbol = '', ofInterval] = key.split('|');
      return (
        (source === undefined || ofSource === source) &&
        (interval === undefined || ofInterval === interval) &&
        (wanted === undefined || wanted.has(symbol))
      );
    },
  };
}

function entryOf(record: unknown, offset: number): Entry | undefined {
  if (!isSignal(record)) return undefined;
  const { source, symbol, interval, strategy, open_us: position } = record;
  const json = JSON.stringify(signalOf(record));
  return { offset, key: seriesKey(source, symbol, interval, strategy), position, revision: 1, json };
}
