import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answersFor, countOf, merged, minus } from '#pipelines/backfill-trades/ranges.ts';

const range = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 12 }))
  .map(([from, length]) => ({ from, to: from + length }));
const ranges = fc.array(range, { maxLength: 12 });

type Ranges = Parameters<typeof merged>[0];
const idsOf = (of: Ranges) =>
  new Set(of.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)));

test('what is left are the ids of the one that are not of the other, in as few ranges as can be', () => {
  fc.assert(
    fc.property(ranges, ranges, (all, taken) => {
      const left = minus(all, taken);
      expect(idsOf(left)).toEqual(new Set([...idsOf(all)].filter((id) => !idsOf(taken).has(id))));
      expect(countOf(left)).toBe(idsOf(left).size);
      for (const [i, { from }] of left.entries()) expect(from).toBeGreaterThan(left[i - 1]?.to ?? -1);
    }),
  );
});

test('ranges that touch or overlap become one', () => {
  expect(
    merged([
      { from: 5, to: 9 },
      { from: 1, to: 3 },
      { from: 3, to: 4 },
      { from: 6, to: 7 },
    ]),
  ).toEqual([
    { from: 1, to: 4 },
    { from: 5, to: 9 },
  ]);
});

test('an answer holds a thousand ids, of as many ranges as lie within', () => {
  expect(answersFor([])).toBe(0);
  expect(answersFor([{ from: 0, to: 1_000 }])).toBe(1);
  expect(answersFor([{ from: 0, to: 1_001 }])).toBe(2);
  const near = [
    { from: 0, to: 10 },
    { from: 500, to: 510 },
    { from: 990, to: 1_010 },
  ];
  expect(answersFor(near)).toBe(2);
  expect(
    answersFor([
      { from: 0, to: 1 },
      { from: 5_000, to: 5_001 },
    ]),
  ).toBe(2);
});
