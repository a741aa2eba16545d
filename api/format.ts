import { TicklakeError } from '#core/platform/errors.ts';

/** Microseconds since 1970 UTC as RFC 3339 with microseconds. */
export function timeFromUs(timestampUs: number): string {
  const milliseconds = Math.floor(timestampUs / 1000);
  const rest = String(timestampUs - milliseconds * 1000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}

/**
 * A day, or an instant as RFC 3339, in microseconds since 1970 UTC.
 * @throws BAD_REQUEST for a day that is not in the calendar.
 */
export function instantUs(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new TicklakeError('BAD_REQUEST', `${text} is no day and no time`);
  return ms * 1_000;
}

/** Decimal text without the zeros that only the column's scale put there. */
export function plainDecimal(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
