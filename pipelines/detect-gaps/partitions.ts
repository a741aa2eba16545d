import { intervalUs, type Interval } from '#core/market/interval.ts';

/** Half-open: ids, or open times in microseconds. */
export interface Range {
  from: number;
  to: number;
}

/** A part of a range within one period: `2024` or `2024-03` for bars. */
export interface Part extends Range {
  period: string;
}

const hourUs = 3_600_000_000;

/**
 * Cuts open times at the ends of UTC months, or of years for bars of four hours and more: a part is what one file of the
 * bulk archive or a few pages of REST hold. Parts are in order, disjoint, and together the range.
 */
export function partsOfBars(range: Range, interval: Interval): Part[] {
  const byYear = intervalUs(interval) >= 4 * hourUs;
  const parts: Part[] = [];
  for (let from = range.from; from < range.to;) {
    const at = new Date(from / 1_000);
    const year = at.getUTCFullYear();
    const month = at.getUTCMonth();
    const end = (byYear ? Date.UTC(year + 1, 0) : Date.UTC(year, month + 1)) * 1_000;
    const to = Math.min(end, range.to);
    parts.push({ from, to, period: at.toISOString().slice(0, byYear ? 4 : 7) });
    from = to;
  }
  return parts;
}

/** What is wanted of bars: open times from the bar that holds the listing to the last one closed by then. */
export function barWindow(
  interval: Interval,
  life: { listedUs: number; delistedUs: number | null },
  asked: { fromUs?: number; toUs?: number; nowUs: number },
): Range | undefined {
  const length = intervalUs(interval);
  const down = (us: number) => Math.floor(us / length) * length;
  const up = (us: number) => Math.ceil(us / length) * length;
  const from = Math.max(down(life.listedUs), up(asked.fromUs ?? 0));
  // Of what ended within a bar there is that bar; of what goes on, only bars that are closed.
  const to = Math.min(up(life.delistedUs ?? Infinity), up(asked.toUs ?? Infinity), down(asked.nowUs));
  return from < to ? { from, to } : undefined;
}
