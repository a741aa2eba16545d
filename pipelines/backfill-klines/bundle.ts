import { intervalUs, isInterval, type Interval } from '#core/market/interval.ts';
import { countOf, merged } from '#pipelines/backfill-trades/ranges.ts';
import type { GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { leastCost, type BarTarget } from './sources.ts';

/** Gaps of one interval that are brought together, in one commit. */
export interface Bundle {
  /** Unique among the bundles of one plan: its most valuable gap, such as `binance/BTCUSDT#1/1d/2024`. */
  key: string;
  description: string;
  interval: Interval;
  /** How many gap tasks it has, and bars. */
  tasks: number;
  bars: number;
  /** Requests that it takes, the weight of REST's counted. */
  cost: number;
  targets: BarTarget[];
}

export interface BundleWindow {
  /** Only bars that open in this time, microseconds, half-open. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
  /** The venue's clock. */
  nowUs: number;
}

/** What one commit holds at most, unless a single task is larger: as much as is done again when it is interrupted. */
const barsMax = 50_000;
const costMax = 80;

/**
 * Small gaps, of whatever coins, are brought together: a commit writes a file for each month, whether of one coin or of
 * thirty. The order of the tasks, which is by value, is kept.
 */
export function bundleTasks(tasks: readonly GapTask[], window: BundleWindow): Bundle[] {
  const bundles: Open[] = [];
  const latest = new Map<Interval, Open>();
  for (const task of tasks) {
    const target = targetOf(task, window);
    if (target === undefined) continue;
    const { interval } = target;
    let bundle = latest.get(interval);
    if (bundle === undefined || !isRoomFor(bundle, target, window)) {
      const key = `${task.source}/${task.listing}/${interval}/${task.period}`;
      bundle = { key, interval, tasks: 0, bars: 0, cost: 0, targets: new Map() };
      latest.set(interval, bundle);
      bundles.push(bundle);
    }
    const joined = joinedWith(bundle, target);
    bundle.tasks++;
    bundle.bars += barsOf(target);
    bundle.cost += costOfAdding(bundle, target, window);
    bundle.targets.set(joined.listing, joined);
  }
  return bundles.map((bundle) => {
    const targets = [...bundle.targets.values()];
    return { ...bundle, targets, description: descriptionOf(bundle.bars, targets) };
  });
}

/** A bundle to which tasks are still added: a coin's periods are one target, as what touches is asked for at once. */
interface Open extends Omit<Bundle, 'targets' | 'description'> {
  targets: Map<string, BarTarget>;
}

function isRoomFor(bundle: Open, target: BarTarget, window: BundleWindow): boolean {
  const bars = bundle.bars + barsOf(target);
  return bars <= barsMax && bundle.cost + costOfAdding(bundle, target, window) <= costMax;
}

function costOfAdding(bundle: Open, target: BarTarget, { nowUs }: BundleWindow): number {
  const before = bundle.targets.get(target.listing);
  return leastCost(joinedWith(bundle, target), nowUs) - (before === undefined ? 0 : leastCost(before, nowUs));
}

function joinedWith({ targets }: Open, target: BarTarget): BarTarget {
  const before = targets.get(target.listing)?.ranges ?? [];
  return { ...target, ranges: merged([...before, ...target.ranges]) };
}

function barsOf({ ranges, interval }: BarTarget): number {
  return countOf(ranges) / intervalUs(interval);
}

function targetOf(
  { symbol, listing, interval, ranges }: GapTask,
  window: BundleWindow,
): BarTarget | undefined {
  if (interval === null || !isInterval(interval)) return undefined;
  const { fromUs = 0, toUs = Infinity } = window;
  const up = (us: number) => Math.ceil(us / intervalUs(interval)) * intervalUs(interval);
  const within = ranges
    .map(({ from, to }) => ({ from: Math.max(from, up(fromUs)), to: Math.min(to, up(toUs)) }))
    .filter(({ from, to }) => from < to);
  return within.length === 0 ? undefined : { symbol, listing, interval, ranges: within };
}

function descriptionOf(bars: number, targets: readonly BarTarget[]): string {
  const [first, ...others] = targets;
  const coins = others.length === 0 ? first?.symbol : `${first?.symbol} and ${others.length} more`;
  return `${coins}, ${first?.interval}, ${bars} bars`;
}
