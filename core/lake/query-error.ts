import { closest, distance } from 'fastest-levenshtein';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';

/** What a reader of the error can be told beside DuckDB's own words. */
export interface QueryGround {
  /** Names of the tables that are there: `market.trades`. */
  tables: readonly string[];
  /** Tables that are there for others. */
  hidden?: readonly string[];
}

const narrow =
  'Read less: name symbols, days and columns in the WHERE and SELECT, aggregate, or add a LIMIT.';
const remedies: readonly (readonly [RegExp, string])[] = [
  [/^Parser Error/, 'The ^ stands below what was not understood; the dialect is DuckDB’s.'],
  [/^Permission Error|^IO Error|locked|disabled (?:by|through) configuration/, readsTablesOnly()],
  [
    /^Binder Error: Referenced (?:column|table)/,
    '`describe market.trades` lists the columns of a table; text stands in single quotes.',
  ],
  [/^Conversion Error/, 'try_cast gives null for what does not fit.'],
];

/**
 * An error of DuckDB in its own words, which show the place in the text, and with what to do about it.
 * QUERY_OVER_LIMIT where it wanted more than it was given, FORBIDDEN for a table of others, else QUERY_INVALID.
 */
export function queryError(error: unknown, ground: QueryGround): TicklakeError {
  const known = toTicklakeError(error);
  if (known.code !== 'INTERNAL') return known;
  const message = messageOf(error).replace(/^Failed to (?:extract statements|prepare): /, '');
  if (/^Out of Memory Error/.test(message)) {
    return new TicklakeError('QUERY_OVER_LIMIT', 'the query takes more memory or disk than it may', {
      cause: error,
      remedy: narrow,
    });
  }
  const missing = /Table with name "?(.+?)"? does not exist/.exec(message)?.[1];
  if (missing !== undefined) return missingTable(missing, message, ground);
  const remedy = remedies.find(([pattern]) => pattern.test(message))?.[1];
  return new TicklakeError('QUERY_INVALID', message, { cause: error, remedy: remedy ?? readsTablesOnly() });
}

/** What stopped the process of a query. */
export type Stop = 'canceled' | 'memory' | 'time' | 'closed' | 'crashed';

export function stoppedError(why: Stop, limits: { seconds: number; memoryMb: number }): TicklakeError {
  switch (why) {
    case 'canceled':
      return new TicklakeError('QUERY_CANCELED', 'the query was canceled');
    case 'closed':
      return new TicklakeError('UNAVAILABLE', 'the service is being stopped', { remedy: 'Ask again soon.' });
    case 'time':
      return over(`the query took longer than ${limits.seconds} s`);
    case 'memory':
      return over(`the query took more than ${limits.memoryMb} MB of memory`);
    case 'crashed':
      return over('the query ended the process that it ran in');
  }
}

function over(message: string): TicklakeError {
  return new TicklakeError('QUERY_OVER_LIMIT', message, { remedy: narrow });
}

function missingTable(name: string, text: string, { tables, hidden = [] }: QueryGround): TicklakeError {
  const hit = hidden.find((table) => table === name || (table.endsWith(`.${name}`) && text.includes(table)));
  if (hit !== undefined) {
    return new TicklakeError('FORBIDDEN', `${hit} is not for your role`, {
      remedy: `You may query ${tables.join(', ')}.`,
    });
  }
  const bare = tables.map((table) => table.split('.')[1] ?? table);
  const near = tables[bare.indexOf(closest(name.split('.').at(-1) ?? name, bare))];
  const isNear = near !== undefined && distance(near.split('.')[1] ?? near, name) <= 3;
  return new TicklakeError('QUERY_INVALID', text.replace(/\nDid you mean .+/, ''), {
    remedy: isNear ? `Is it ${near} that is meant?` : `The tables are ${tables.join(', ')}.`,
  });
}

function readsTablesOnly(): string {
  return 'A query reads the tables of the lake (`show all tables`) and nothing else: no files, no network, no settings.';
}
