import { indicatorsTopic } from '#core/market/topics.ts';
import { indicatorRowOf, isIndicators } from '../../live-records.ts';
import { entriesOf, marketText, type Channel } from '../channel.ts';
import { seriesKey, type Entry } from '../window.ts';

/** The indicators of bars as they close; a series is a market and an interval. */
export const indicatorsChannel: Channel = {
  name: 'indicators',
  topic: indicatorsTopic,
  decode: (lines, baseOffset) => entriesOf(lines, baseOffset, entryOf),
  groupText: (key, rows) => marketText(key, 'indicators', rows),
  seriesMax: 8_000,
  heldMax: 20,
  rememberedMax: 100,
  snapshotOfSeries: 5,
  snapshotMax: Infinity,
};

function entryOf(record: unknown, offset: number): Entry | undefined {
  if (!isIndicators(record)) return undefined;
  const { source, symbol, interval, open_us: position, revision } = record;
  const json = JSON.stringify(indicatorRowOf(record));
  return { offset, key: seriesKey(source, symbol, interval), position, revision, json };
}
