import { TicklakeError } from '#core/platform/errors.ts';
import { decodeCursor, encodeCursor, type Page } from '../paging.ts';
import { uuid } from '../schemas/trading.ts';

const isId = new RegExp(uuid);

/** A page of what was found with a limit of one more than the page has. */
export function pageAfter<T>(found: readonly T[], limit: number, keyOf: (item: T) => string): Page<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    nextCursor: found.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}

/** A place in a list by time and id. @throws BAD_REQUEST */
export function placeCursor(cursor: string | undefined): { timeUs: number; id: string } | undefined {
  if (cursor === undefined) return undefined;
  const [, time = '', id = ''] = /^(\d{1,17})@(.*)$/.exec(decodeCursor(cursor)) ?? [];
  const timeUs = Number(time);
  if (!isId.test(id) || !Number.isSafeInteger(timeUs)) throw foreignCursor();
  return { timeUs, id };
}

/** A place in a list by number. @throws BAD_REQUEST */
export function numberCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const text = decodeCursor(cursor);
  if (!/^\d{1,15}$/.test(text)) throw foreignCursor();
  return Number(text);
}

/** A place in a list by id. @throws BAD_REQUEST */
export function ownerCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const id = decodeCursor(cursor);
  if (!isId.test(id)) throw foreignCursor();
  return id;
}

function foreignCursor(): TicklakeError {
  return new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
    remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
  });
}
