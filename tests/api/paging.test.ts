import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCursor, pageOf } from '#api/paging.ts';

const identity = (text: string): string => text;

describe('pages', () => {
  it('give every item once and in order, whatever their size', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 7 }), (items, limit) => {
        const got: string[] = [];
        let cursor: string | undefined;
        do {
          const page = pageOf(items, identity, cursor === undefined ? { limit } : { limit, cursor });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          got.push(...page.items);
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        expect(got).toEqual(items.toSorted((a, b) => (a < b ? -1 : 1)));
      }),
    );
  });

  it('go on behind an item that is gone', () => {
    expect(pageOf(['a', 'c', 'd'], identity, { limit: 1, cursor: encodeCursor('b') }).items).toEqual(['c']);
  });

  it('refuse a cursor of others', () => {
    expect(() => pageOf(['a'], identity, { limit: 1, cursor: 'bm9uc2Vuc2U' })).toThrow(/cursor/);
  });
});
