import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { common, merged, put, sizeWithin, take, without, type Range } from '#core/lake/ranges.ts';

const range = fc.tuple(fc.nat(60), fc.nat(12)).map(([lo, length]): Range => ({ lo, hi: lo + length + 1 }));
const ranges = fc.array(range, { maxLength: 12 });

const keysOf = (list: readonly Range[]): Set<number> =>
  new Set(list.flatMap(({ lo, hi }) => Array.from({ length: hi - lo }, (_, index) => lo + index)));

const minus = (a: ReadonlySet<number>, b: ReadonlySet<number>): Set<number> =>
  new Set([...a].filter((key) => !b.has(key)));

/** The one list of a set of keys. */
function listOf(keys: ReadonlySet<number>): Range[] {
  const list: Range[] = [];
  for (const key of [...keys].sort((a, b) => a - b)) {
    const last = list.at(-1);
    if (last?.hi === key) last.hi += 1;
    else list.push({ lo: key, hi: key + 1 });
  }
  return list;
}

describe('lists of ranges hold the keys that sets of them hold', () => {
  it('merged', () => {
    fc.assert(
      fc.property(ranges, (some) => {
        expect(merged(some)).toEqual(listOf(keysOf(some)));
      }),
    );
  });

  it('without, common', () => {
    fc.assert(
      fc.property(ranges, ranges, (some, others) => {
        const [a, b] = [keysOf(some), keysOf(others)];
        expect(without(merged(some), merged(others))).toEqual(listOf(minus(a, b)));
        expect(common(merged(some), merged(others))).toEqual(listOf(minus(a, minus(a, b))));
      }),
    );
  });

  it('put, take', () => {
    fc.assert(
      fc.property(ranges, range, (some, one) => {
        const [more, less] = [merged(some), merged(some)];
        put(more, one);
        take(less, one);
        expect(more).toEqual(listOf(keysOf([...some, one])));
        expect(less).toEqual(listOf(minus(keysOf(some), keysOf([one]))));
      }),
    );
  });

  it('counted within bounds', () => {
    fc.assert(
      fc.property(ranges, range, (some, { lo, hi }) => {
        const within = [...keysOf(some)].filter((key) => key >= lo && key < hi);
        expect(sizeWithin(merged(some), lo, hi)).toBe(within.length);
        expect(sizeWithin(merged(some))).toBe(keysOf(some).size);
      }),
    );
  });
});
