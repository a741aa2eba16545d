import { TicklakeError } from '#core/platform/errors.ts';

/** `A,B` as a list. */
export function listOf(text: string | undefined): string[] | undefined {
  return text?.split(',').map((each) => each.trim());
}

/** A UTC day or time as microseconds. Throws USAGE. */
export function timeOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms * 1_000;
  throw new TicklakeError('USAGE', `${option} ${text} is no day`, { remedy: 'Write it as 2024-03-05.' });
}
