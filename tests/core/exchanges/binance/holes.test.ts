import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoleDetector } from '#core/exchanges/binance/holes.ts';

function detector(window = { trades: 5, ms: 500 }) {
  const holes: [string, number, number][] = [];
  return { holes, ids: new HoleDetector(window, (...hole) => holes.push(hole)) };
}

describe('holes in trade ids', () => {
  it('says nothing of contiguous ids, duplicates, and what came before the first', () => {
    const { ids, holes } = detector();
    for (const id of [10, 11, 11, 10, 9, 12]) ids.observe('A', id, 0);
    ids.sweep(10_000);
    expect(holes).toEqual([]);
  });

  it('takes an id that comes late inside the window for no hole', () => {
    const { ids, holes } = detector();
    for (const id of [10, 12, 13, 11, 14]) ids.observe('A', id, 0);
    ids.sweep(10_000);
    expect(holes).toEqual([]);
  });

  it('announces a hole when enough later trades came', () => {
    const { ids, holes } = detector();
    for (const id of [10, 13, 14, 15, 16]) ids.observe('A', id, 0);
    expect(holes).toEqual([]);
    ids.observe('A', 17, 0);
    expect(holes).toEqual([['A', 11, 13]]);
  });

  it('announces a hole when its time is over, once, by symbol', () => {
    const { ids, holes } = detector();
    for (const id of [10, 13]) ids.observe('A', id, 0);
    for (const id of [20, 21]) ids.observe('B', id, 0);
    ids.sweep(499);
    expect(holes).toEqual([]);
    ids.sweep(500);
    ids.sweep(2_000);
    expect(holes).toEqual([['A', 11, 13]]);
  });

  it('gives late ids their full time again after a pause', () => {
    const { ids, holes } = detector();
    for (const id of [10, 12]) ids.observe('A', id, 0);
    ids.restartClocks(10_000);
    ids.sweep(10_100);
    ids.observe('A', 11, 10_200);
    ids.sweep(20_000);
    expect(holes).toEqual([]);
  });

  it('announces exactly what never came, whatever was dropped, doubled or moved a little', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ drop: fc.boolean(), twice: fc.boolean(), late: fc.integer({ min: 0, max: 3 }) }),
          {
            maxLength: 200,
          },
        ),
        (steps) => {
          const { ids, holes } = detector({ trades: 20, ms: 500 });
          const moved = steps
            .map((step, i) => ({ ...step, id: i + 1, at: i + step.late }))
            .filter(({ drop }) => !drop)
            .sort((a, b) => a.at - b.at)
            .flatMap(({ id, twice }) => (twice ? [id, id] : [id]));
          const sent = [0, ...moved];
          for (const id of sent) ids.observe('A', id, 0);
          for (let ms = 1_000; ms < 201_000; ms += 1_000) ids.sweep(ms);
          const last = Math.max(...sent);
          const missing = Array.from({ length: last }, (_, i) => i).filter((id) => !sent.includes(id));
          const announced = holes.flatMap(([, from, to]) =>
            Array.from({ length: to - from }, (_, i) => from + i),
          );
          expect(announced).toEqual(missing);
        },
      ),
    );
  });
});
