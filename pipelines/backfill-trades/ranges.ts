import type { Range } from '#pipelines/detect-gaps/partitions.ts';

/** What of `ranges` lies in none of `taken`; both may be in any order, the answer ascends. */
export function minus(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  const cuts = merged(taken);
  let first = 0;
  return merged(ranges).flatMap(({ from, to }) => {
    const left: Range[] = [];
    let at = from;
    while ((cuts[first]?.to ?? Infinity) <= from) first++;
    for (let i = first; at < to; i++) {
      const cut = cuts[i];
      if (cut === undefined || cut.from >= to) break;
      if (cut.from > at) left.push({ from: at, to: cut.from });
      at = Math.max(at, cut.to);
    }
    if (at < to) left.push({ from: at, to });
    return left;
  });
}

/** The same ids in as few ranges as can be, ascending. */
export function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else if (from < to) result.push({ from, to });
  }
  return result;
}

export function countOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** How many answers of REST bring the ids: one holds a thousand, of as many ranges as lie within. */
export function answersFor(ranges: readonly Range[], answerTradesMax = 1_000): number {
  let answers = 0;
  let reached = -Infinity;
  for (const { from, to } of merged(ranges)) {
    const at = Math.max(from, reached);
    if (at >= to) continue;
    const more = Math.ceil((to - at) / answerTradesMax);
    answers += more;
    reached = at + more * answerTradesMax;
  }
  return answers;
}
