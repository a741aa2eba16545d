import { intervalUs, isInterval, type Interval } from '#core/market/interval.ts';
import { merged } from '#pipelines/backfill-trades/ranges.ts';
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
  const bundles: Bundle[] = [];
  const open = new Map<Interval, Bundle>();
  for (const task of tasks) {
    const target = targetOf(task, window);
    if (target === undefined) continue;
    const { interval } = target;
    const bars = target.ranges.reduce((sum, { from, to }) => sum + (to - from) / intervalUs(interval), 0);
    const cost = leastCost(target, window.nowUs);
    let bundle = open.get(interval);
    if (bundle === undefined || bundle.bars + bars > barsMax || bundle.cost + cost > costMax) {
      const key = `${task.source}/${task.listing}/${interval}/${task.period}`;
      bundle = { key, description: '', interval, tasks: 0, bars: 0, cost: 0, targets: [] };
      open.set(interval, bundle);
      bundles.push(bundle);
    }
    bundle.tasks++;
    bundle.bars += bars;
    bundle.cost += cost;
    bundle.targets.push(target);
  }
  return bundles.map((bundle) => {
    const targets = joined(bundle.targets);
    return { ...bundle, targets, description: descriptionOf(bundle, targets) };
  });
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

/** A coin's periods as one: what touches is asked for at once. */
function joined(targets: readonly BarTarget[]): BarTarget[] {
  return [...Map.groupBy(targets, ({ listing }) => listing).values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    return [{ ...first, ranges: merged([first, ...rest].flatMap(({ ranges }) => ranges)) }];
  });
}

function descriptionOf({ interval, bars }: Bundle, targets: readonly BarTarget[]): string {
  const [first, ...others] = targets;
  const coins = others.length === 0 ? first?.symbol : `${first?.symbol} and ${others.length} more`;
  return `${coins}, ${interval}, ${bars} bars`;
}
