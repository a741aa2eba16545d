import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveFile, ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';
import { intervalUs, isInterval, type Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** Which bars are asked for; without a bound, all that the archive holds. Times are microseconds, half-open. */
export interface KlineSelection {
  symbols?: readonly string[] | undefined;
  intervals?: readonly Interval[] | undefined;
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

/** A file of bars, with their interval. */
export interface KlineFile extends ArchiveFile {
  interval: Interval;
}

/** Most bars that are staged for one commit; one month of an interval is never split. */
const barsPerCommitMax = 1_000_000;

/**
 * The archive's files of the bars that are asked for, by interval and then time.
 * @throws NOT_FOUND where there are none.
 */
export async function selectKlineFiles(
  archive: Archive,
  { symbols, intervals, fromUs, toUs }: KlineSelection,
  signal?: AbortSignal,
): Promise<KlineFile[]> {
  const bounds = { ...(fromUs === undefined ? {} : { fromUs }), ...(toUs === undefined ? {} : { toUs }) };
  const isWanted = ({ kind, symbol, interval = '' }: ArchiveSeries): boolean =>
    kind === 'klines' &&
    isInterval(interval) &&
    (symbols === undefined || symbols.includes(symbol)) &&
    (intervals === undefined || intervals.includes(interval));
  const files: KlineFile[] = [];
  for (const series of (await archive.series()).filter(isWanted)) {
    for (const file of await archive.list({ ...series, ...bounds }, signal)) {
      if (file.interval !== undefined && isInterval(file.interval)) {
        files.push({ ...file, interval: file.interval });
      }
    }
  }
  if (files.length === 0) {
    throw new TicklakeError('NOT_FOUND', `${archive.place} holds none of the bars that are asked for`, {
      remedy: 'Ask for other symbols, intervals or days, or name another folder.',
    });
  }
  return files.sort(
    (a, b) => intervalUs(a.interval) - intervalUs(b.interval) || a.period.fromUs - b.period.fromUs,
  );
}

/** Files that are committed together: of one interval, whole months, few enough bars to stage at once. */
export function groupFiles(files: readonly KlineFile[]): KlineFile[][] {
  const groups: KlineFile[][] = [];
  let bars = Infinity;
  let last: KlineFile | undefined;
  for (const file of files) {
    const isSameUnit = file.interval === last?.interval && monthOf(file) === monthOf(last);
    const isOther = file.interval !== last?.interval || bars + barsIn(file) > barsPerCommitMax;
    if (isOther && !isSameUnit) {
      groups.push([]);
      bars = 0;
    }
    groups.at(-1)?.push(file);
    bars += barsIn(file);
    last = file;
  }
  return groups;
}

function monthOf(file: KlineFile): string {
  return file.label.slice(0, '2024-03'.length);
}

function barsIn({ period, interval }: KlineFile): number {
  return (period.toUs - period.fromUs) / intervalUs(interval);
}
