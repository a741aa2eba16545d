import { TicklakeError } from '#core/platform/errors.ts';

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/**
 * The page of `items` after `cursor`. `keyOf` gives each item a text that is unique and orders the list, so that a
 * page is right also when items came or went since the one before.
 * @throws BAD_REQUEST for a cursor that is not ours.
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  query: { cursor?: string; limit: number },
): Page<T> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const keyed = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = keyed.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    nextCursor: keyed.length > page.length && last !== undefined ? encodeCursor(last.key) : null,
  };
}

export function encodeCursor(key: string): string {
  return Buffer.from(`1:${key}`).toString('base64url');
}

/** @throws BAD_REQUEST for text that {@link encodeCursor} did not make. */
export function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!text.startsWith('1:')) {
    throw new TicklakeError('BAD_REQUEST', 'the cursor is not one of this service', {
      remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
    });
  }
  return text.slice(2);
}
