import { candlesticksTopic } from '#core/market/topics.ts';
import { candleOf, isCandlestick } from '../../live-records.ts';
import { entriesOf, marketText, type Channel } from '../channel.ts';
import { seriesKey, type Entry } from '../window.ts';

/** Bars at their close; a series is a market and an interval. */
export const candlesChannel: Channel = {
  name: 'candles',
  topic: candlesticksTopic,
  decode: (lines, baseOffset) => entriesOf(lines, baseOffset, entryOf),
  groupText: (key, candles) => marketText(key, 'candles', candles),
  seriesMax: 8_000,
  heldMax: 20,
  rememberedMax: 100,
  snapshotOfSeries: 5,
  snapshotMax: Infinity,
};

function entryOf(record: unknown, offset: number): Entry | undefined {
  if (!isCandlestick(record)) return undefined;
  const { source, symbol, interval, open_us: position, revision } = record;
  const json = JSON.stringify(candleOf(record));
  return { offset, key: seriesKey(source, symbol, interval), position, revision, json };
}
