/** Keys [lo, hi). A list of them is in order, and no two touch. */
export interface Range {
  lo: number;
  hi: number;
}

/** The list that holds what any of these ranges holds. */
export function merged(ranges: readonly Range[]): Range[] {
  const list: Range[] = [];
  for (const { lo, hi } of ranges.toSorted((a, b) => a.lo - b.lo)) {
    const last = list.at(-1);
    if (last !== undefined && lo <= last.hi) last.hi = Math.max(last.hi, hi);
    else if (lo < hi) list.push({ lo, hi });
  }
  return list;
}

/** What is in `list` and not in `less`. */
export function without(list: readonly Range[], less: readonly Range[]): Range[] {
  const rest: Range[] = [];
  let next = 0;
  for (const { lo, hi } of list) {
    let from = lo;
    while ((less[next]?.hi ?? Infinity) <= lo) next += 1;
    for (let at = next; from < hi; at += 1) {
      const taken = less[at];
      if (taken === undefined || taken.lo >= hi) break;
      if (taken.lo > from) rest.push({ lo: from, hi: taken.lo });
      from = Math.max(from, taken.hi);
    }
    if (from < hi) rest.push({ lo: from, hi });
  }
  return rest;
}

/** What is in both lists. */
export function common(a: readonly Range[], b: readonly Range[]): Range[] {
  return without(a, without(a, b));
}

/** Adds a range to a list. */
export function put(list: Range[], { lo, hi }: Range): void {
  const from = firstAt(list, lo);
  let to = from;
  let merging = { lo, hi };
  for (let touched = list[to]; touched !== undefined && touched.lo <= hi; touched = list[to]) {
    merging = { lo: Math.min(merging.lo, touched.lo), hi: Math.max(merging.hi, touched.hi) };
    to += 1;
  }
  list.splice(from, to - from, merging);
}

/** Takes a range out of a list. */
export function take(list: Range[], { lo, hi }: Range): void {
  const from = firstAt(list, lo);
  let to = from;
  const kept: Range[] = [];
  for (let cut = list[to]; cut !== undefined && cut.lo < hi; cut = list[to]) {
    if (cut.lo < lo) kept.push({ lo: cut.lo, hi: Math.min(lo, cut.hi) });
    if (cut.hi > hi) kept.push({ lo: hi, hi: cut.hi });
    to += 1;
  }
  list.splice(from, to - from, ...kept);
}

/** How many keys of a list lie in [lo, hi). */
export function sizeWithin(list: readonly Range[], lo = -Infinity, hi = Infinity): number {
  let size = 0;
  for (let index = firstAt(list, lo); index < list.length; index += 1) {
    const range = list[index];
    if (range === undefined || range.lo >= hi) break;
    size += Math.max(0, Math.min(hi, range.hi) - Math.max(lo, range.lo));
  }
  return size;
}

/** Index of the first range that ends at `key` or after it. */
function firstAt(list: readonly Range[], key: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.hi ?? Infinity) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
