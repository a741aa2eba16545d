/** How often something happened: the beginnings of spans of time in microseconds, the oldest first, and how often in each. */
export type Counts = (readonly [fromUs: number, count: number])[];

/** Counts one more at this time, and forgets all but the newest spans. */
export function counted(
  counts: Counts,
  atUs: number,
  { bucketUs, buckets }: { bucketUs: number; buckets: number },
): Counts {
  const fromUs = Math.floor(atUs / bucketUs) * bucketUs;
  const known = counts.find(([us]) => us === fromUs)?.[1] ?? 0;
  const others = counts.filter(([us]) => us !== fromUs && us > fromUs - (buckets + 1) * bucketUs);
  return [...others, [fromUs, known + 1] as const].toSorted(([a], [b]) => a - b).slice(-(buckets + 1));
}

/** How often it happened in the spans that begin after a time. */
export function countSince(counts: Counts, sinceUs: number): number {
  return counts.reduce((sum, [us, count]) => (us > sinceUs ? sum + count : sum), 0);
}
