import type { Transaction } from '#core/platform/postgres/database.ts';

/** What a venue's clock said at a time of ours. */
export interface ClockReading {
  notedUs: number;
  timeUs: number;
}

/** What the venue's clock said at a time of ours, both in microseconds. */
export type VenueTime = (atUs: number) => number;

const readingsMax = 20_000;

/** Knows the venue's time at any time of ours: a simulated venue stands still while it does not run, or runs ahead. */
export async function readVenueTime(db: Pick<Transaction, 'query'>, source: string): Promise<VenueTime> {
  const { rows } = await db.query<ClockReading>(
    `select noted_us as "notedUs", time_us as "timeUs" from ingest.clocks
      where source = $1 order by noted_us desc limit $2`,
    [source, readingsMax],
  );
  return venueTime(rows.reverse());
}

/**
 * The clock went on with ours from each reading, and never beyond the next one. Before the first it is taken to have said what
 * it would have, had it gone with ours.
 * @param readings in the order of our time
 */
export function venueTime(readings: readonly ClockReading[]): VenueTime {
  return (atUs) => {
    const at = firstAfter(readings, atUs);
    const last = readings[Math.max(0, at - 1)];
    if (last === undefined) return atUs;
    const moved = last.timeUs + atUs - last.notedUs;
    const next = at === 0 ? undefined : readings[at];
    return next === undefined ? moved : Math.min(moved, next.timeUs);
  };
}

/** Place of the first reading after a time. */
function firstAfter(readings: readonly ClockReading[], atUs: number): number {
  let [low, high] = [0, readings.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((readings[middle]?.notedUs ?? 0) > atUs) high = middle;
    else low = middle + 1;
  }
  return low;
}
