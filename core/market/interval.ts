const minuteUs = 60_000_000;

/** Lengths of bars in microseconds; each divides a UTC day, so that bars begin at whole multiples since 1970. */
const lengths = {
  '1m': minuteUs,
  '3m': 3 * minuteUs,
  '5m': 5 * minuteUs,
  '15m': 15 * minuteUs,
  '30m': 30 * minuteUs,
  '1h': 60 * minuteUs,
  '2h': 120 * minuteUs,
  '4h': 240 * minuteUs,
  '6h': 360 * minuteUs,
  '8h': 480 * minuteUs,
  '12h': 720 * minuteUs,
  '1d': 1_440 * minuteUs,
} as const;

/** The time a bar spans, as the field writes it. */
export type Interval = keyof typeof lengths;

/** All intervals, shortest first. */
export const intervals: readonly Interval[] = [
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
];

export function isInterval(text: string): text is Interval {
  return Object.hasOwn(lengths, text);
}

export function intervalUs(interval: Interval): number {
  return lengths[interval];
}

/** Open time of the bar that holds an instant, both in microseconds since 1970 UTC. */
export function openTimeUs(timeUs: number, interval: Interval): number {
  const length = lengths[interval];
  return Math.floor(timeUs / length) * length;
}
