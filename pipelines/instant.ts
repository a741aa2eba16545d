import { Type } from 'typebox';
import { TicklakeError } from '#core/platform/errors.ts';

const pattern = '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:\\d\\d))?$';

/** A parameter of jobs: a UTC day, or an instant with its zone. */
export const Instant = Type.String({
  description: 'A day or an instant in UTC, such as 2024-03-05 or 2024-03-05T12:00:00Z.',
  pattern,
});

/** Microseconds since 1970 UTC of what {@link Instant} lets pass. @throws BAD_REQUEST for a day that no calendar has. */
export function instantUs(time: string): number;
export function instantUs(time: string | undefined): number | undefined;
export function instantUs(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const ms = Date.parse(time);
  if (!Number.isNaN(ms)) return ms * 1_000;
  throw new TicklakeError('BAD_REQUEST', `${time} is no time`, {
    remedy: 'Give a day or an instant, such as 2024-03-05 or 2024-03-05T12:00:00Z.',
  });
}
