import { InvalidArgumentError } from 'commander';
import type { JobCard } from '#core/jobs/job.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** `key=value`, for commander; given several times, all of them. */
export function setting(text: string, before: readonly [string, string][] = []): [string, string][] {
  const at = text.indexOf('=');
  if (at > 0) return [...before, [text.slice(0, at), text.slice(at + 1)]];
  throw new InvalidArgumentError('Write it as key=value.');
}

/**
 * The parameters of a job as they were given: a JSON object, with single ones set over it. A value is read as JSON
 * where it is that; else it is text, of a list its items with commas between. @throws USAGE
 */
export function jobParameters(
  card: JobCard,
  json: string | undefined,
  settings: readonly [string, string][] = [],
): Record<string, unknown> {
  const properties = (card.parameters as { properties?: Record<string, { type?: unknown }> }).properties;
  const set = settings.map(([key, text]): [string, unknown] => [key, valueOf(text, properties?.[key]?.type)]);
  return { ...(json === undefined ? {} : objectOf(json)), ...Object.fromEntries(set) };
}

function valueOf(text: string, type: unknown): unknown {
  if (type === 'string') return text;
  const isList = type === 'array';
  const value = parsed(text);
  if (value === undefined) return isList ? text.split(',') : text;
  return isList && !Array.isArray(value) ? [value] : value;
}

function objectOf(json: string): object {
  const value = parsed(json);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new TicklakeError('USAGE', '--params is no JSON object', {
    remedy: `Write it as --params '{"top": 30}', or use --set top=30.`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
