import { fileOf, labelsBetween, type ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';
import { klinesPerAnswer } from '#core/exchanges/history.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { answersFor, minus } from '#pipelines/backfill-trades/ranges.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';
import type { KlineFile } from './select.ts';

/** Where bars may come from; `auto` is the cheapest that has them. */
export type BarOrigin = 'auto' | 'rest' | 'archive';

/** Missing bars of one coin: open times in microseconds, ascending, disjoint. */
export interface BarTarget {
  symbol: string;
  listing: string;
  interval: Interval;
  ranges: readonly Range[];
}

/** Weight of one answer of REST, which all jobs share; and requests for one file, its zip and its checksum. */
const answerCost = 2;
const fileCost = 2;
/** Where REST may not be asked, any file is cheaper. */
const forbiddenCost = 1_000_000;

/** What REST takes for a target, in the same measure as files. */
export function restCost({ ranges, interval }: Pick<BarTarget, 'ranges' | 'interval'>): number {
  return answersFor(ranges, klinesPerAnswer * intervalUs(interval)) * answerCost;
}

/** What the cheapest way takes. */
export function leastCost(target: BarTarget, nowUs: number): number {
  const files = cheapestFiles(target, { nowUs, origin: 'auto', isTried: () => false });
  const left = minus(
    target.ranges,
    files.map(({ period }) => ({ from: period.fromUs, to: period.toUs })),
  );
  return files.length * fileCost + restCost({ ...target, ranges: left });
}

export interface FileChoice {
  origin: BarOrigin;
  /** The venue's clock: the archive has days and months that are over. */
  nowUs: number;
  /** Whether a file was asked for already. */
  isTried: (file: KlineFile) => boolean;
}

/**
 * The files of the archive that are cheaper than REST for what they cover, by months: the month's file, or those of days.
 * REST wins a tie, as its answer also says what there is none of.
 */
export function cheapestFiles(target: BarTarget, choice: FileChoice): KlineFile[] {
  if (choice.origin === 'rest') return [];
  const chosen: KlineFile[] = [];
  for (const month of filesTouching(target, target.ranges, 'monthly')) {
    const part = within(target.ranges, month);
    const rest = costOf(target, part, [], choice);
    if (rest <= fileCost) continue;
    const monthly = isOffered(month, choice) ? costOf(target, part, [month], choice) : Infinity;
    const days = filesTouching(target, part, 'daily').filter((day) => {
      const alone = within(part, day);
      return (
        isOffered(day, choice) && costOf(target, alone, [day], choice) < costOf(target, alone, [], choice)
      );
    });
    const daily = costOf(target, part, days, choice);
    if (rest <= Math.min(daily, monthly)) continue;
    chosen.push(...(daily <= monthly ? days : [month]));
  }
  return chosen;
}

/** What a part takes: the files, and REST for what they leave. */
function costOf(
  { interval }: BarTarget,
  part: readonly Range[],
  files: readonly KlineFile[],
  { origin }: FileChoice,
): number {
  const left = minus(
    part,
    files.map(({ period }) => ({ from: period.fromUs, to: period.toUs })),
  );
  const rest = restCost({ ranges: left, interval });
  return files.length * fileCost + (origin === 'archive' ? rest * forbiddenCost : rest);
}

function isOffered(file: KlineFile, { nowUs, isTried }: FileChoice): boolean {
  return file.period.toUs <= nowUs && !isTried(file);
}

function filesTouching(
  { symbol, interval }: BarTarget,
  ranges: readonly Range[],
  granularity: 'daily' | 'monthly',
): KlineFile[] {
  const series: ArchiveSeries = { kind: 'klines', symbol, interval };
  const labels = ranges.flatMap(({ from, to }) => labelsBetween(from / 1_000, to / 1_000, granularity));
  return [...new Set(labels)].flatMap((label) => {
    const file = fileOf(series, granularity, label);
    return file === undefined ? [] : [{ ...file, interval }];
  });
}

function within(ranges: readonly Range[], { period }: KlineFile): Range[] {
  return ranges
    .map(({ from, to }) => ({ from: Math.max(from, period.fromUs), to: Math.min(to, period.toUs) }))
    .filter(({ from, to }) => from < to);
}

/** Windows to ask REST for: neighbouring ranges share one where that takes no more answers. */
export function answerWindows(ranges: readonly Range[], interval: Interval): Range[] {
  const answerUs = klinesPerAnswer * intervalUs(interval);
  const windows: Range[] = [];
  for (const { from, to } of ranges) {
    const last = windows.at(-1);
    const reach = last === undefined ? 0 : last.from + Math.ceil((last.to - last.from) / answerUs) * answerUs;
    if (last !== undefined && to <= reach) last.to = to;
    else windows.push({ from, to });
  }
  return windows;
}
