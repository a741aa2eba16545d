import { intervalUs, type Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** A span of time, in microseconds. */
export interface Span {
  fromUs: number;
  toUs: number;
}

const pointsMax = 1_000;
const pointsWanted = 300;
const steps: readonly Interval[] = ['1m', '5m', '15m', '30m', '1h', '4h', '12h', '1d'];

/** The shortest interval that makes a few hundred points of a span. */
export function intervalFor({ fromUs, toUs }: Span): Interval {
  return steps.find((interval) => (toUs - fromUs) / intervalUs(interval) <= pointsWanted) ?? '1d';
}

/**
 * The begin of a span, the multiples of the interval within it, and its end.
 * @throws BAD_REQUEST for a span that is none, or has more than a thousand points
 */
export function gridOf({ fromUs, toUs }: Span, interval: Interval): number[] {
  const stepUs = intervalUs(interval);
  if (fromUs >= toUs)
    throw new TicklakeError('BAD_REQUEST', '`from` is not before `to`, or lies in the future', {
      remedy: 'Ask for a span that has begun.',
    });
  const count = Math.ceil((toUs - fromUs) / stepUs);
  if (count > pointsMax)
    throw new TicklakeError('BAD_REQUEST', `${interval} makes more than ${pointsMax} points of this span`, {
      remedy: 'Ask for less time, or for a longer interval (at most 1d); without one it is chosen.',
    });
  const grid = [fromUs];
  for (let atUs = (Math.floor(fromUs / stepUs) + 1) * stepUs; atUs < toUs; atUs += stepUs) grid.push(atUs);
  return [...grid, toUs];
}
