import { createHash } from 'node:crypto';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { closest } from 'fastest-levenshtein';
import { TicklakeError } from '#core/platform/errors.ts';
import type { JobCard } from './job.ts';

/** The jobs that can be asked for, by name. */
export interface Catalogue {
  readonly cards: readonly JobCard[];
  /** @throws NOT_FOUND with the nearest name. */
  find(name: string): JobCard;
  /**
   * The parameters with defaults filled in.
   * @throws NOT_FOUND, BAD_REQUEST naming everything that is wrong.
   */
  check(name: string, params: unknown): Checked;
}

export interface Checked {
  params: Record<string, unknown>;
  /** Equal for equal parameters, whatever the order of their keys. */
  hash: string;
}

const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const paramsBytesMax = 64 * 1024;

/** A catalogue of these jobs; a mistake in one is thrown at once, as it is one of the program. */
export function createCatalogue(cards: readonly JobCard[]): Catalogue {
  const ajv = new Ajv({ strict: true, allErrors: true, useDefaults: true });
  addFormats.default(ajv);
  const entries = new Map<string, { card: JobCard; validate: ValidateFunction }>();
  for (const card of cards) {
    if (!namePattern.test(card.name)) throw new RangeError(`${card.name} is no name of a job`);
    if (entries.has(card.name)) throw new RangeError(`two jobs are named ${card.name}`);
    entries.set(card.name, { card, validate: ajv.compile(card.parameters) });
  }
  for (const card of cards) {
    for (const needed of card.after ?? []) {
      if (!entries.has(needed)) throw new RangeError(`${card.name} comes after ${needed}, which is no job`);
    }
  }
  const entryOf = (name: string): { card: JobCard; validate: ValidateFunction } => {
    const entry = entries.get(name);
    if (entry === undefined) throw unknownJob(name, [...entries.keys()]);
    return entry;
  };
  return {
    cards: [...cards],
    find: (name) => entryOf(name).card,
    check(name, given) {
      const { validate } = entryOf(name);
      const params = copyOf(given ?? {}, name);
      if (!validate(params)) throw wrongParameters(name, validate);
      return { params, hash: createHash('sha256').update(canonical(params)).digest('hex') };
    },
  };
}

function copyOf(given: unknown, name: string): Record<string, unknown> {
  const text = JSON.stringify(given);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TicklakeError('BAD_REQUEST', `the parameters of ${name} are not an object`);
  }
  if (Buffer.byteLength(text) > paramsBytesMax) {
    throw new TicklakeError(
      'BAD_REQUEST',
      `the parameters of ${name} are larger than ${paramsBytesMax} bytes`,
    );
  }
  return JSON.parse(text) as Record<string, unknown>;
}

function wrongParameters(name: string, validate: ValidateFunction): TicklakeError {
  const problems = (validate.errors ?? []).map((error) => {
    const where = error.instancePath.slice(1).replaceAll('/', '.');
    const extra =
      error.keyword === 'additionalProperties' ? ` (${String(error.params['additionalProperty'])})` : '';
    return `${where === '' ? 'parameters' : where} ${error.message ?? 'is wrong'}${extra}`;
  });
  return new TicklakeError('BAD_REQUEST', `wrong parameters of ${name}: ${problems.join('; ')}`, {
    remedy: `See the parameters of ${name} with \`ticklake jobs list\`.`,
    context: { job: name, problems },
  });
}

function unknownJob(name: string, known: readonly string[]): TicklakeError {
  const nearest = known.length === 0 ? undefined : closest(name, known);
  return new TicklakeError('NOT_FOUND', `there is no job ${name}`, {
    ...(nearest === undefined ? {} : { remedy: `Did you mean ${nearest}?` }),
  });
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
