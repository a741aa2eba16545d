import { describe, expect, it } from 'vitest';
import { SeriesWindow, type Entry } from '#api/stream/window.ts';

const bounds = { heldMax: 500, rememberedMax: 4_000 };
const entry = (offset: number, position = offset, revision = 1): Entry => ({
  ...{ offset, key: 's|A', position, revision },
  json: `{"position":${position}}`,
});

describe('the window of a series', () => {
  it('takes each position once, in any order', () => {
    const window = new SeriesWindow('s|A', bounds);
    expect([7, 9, 8, 9, 7].map((position, offset) => window.take(entry(offset, position)))).toEqual([
      ...['new', 'new', 'new', 'duplicate', 'duplicate'],
    ]);
    expect(window.newest(10).map(({ position }) => position)).toEqual([7, 9, 8]);
  });

  it('takes a later revision of what it has, however old, and no earlier one', () => {
    const window = new SeriesWindow('s|A', { heldMax: 5, rememberedMax: 10 });
    const taken = (position: number, revision: number) => window.take(entry(0, position, revision));
    expect([taken(1, 1), taken(1, 2), taken(1, 1), taken(1, 2), taken(1, 3)]).toEqual([
      ...['new', 'new', 'duplicate', 'duplicate', 'new'],
    ]);
    for (let position = 2; position < 40; position += 1) window.take(entry(0, position));
    expect([taken(1, 1), taken(1, 4)]).toEqual(['late', 'new']);
  });

  it('holds everything from its floor on, and says so as it forgets', () => {
    const window = new SeriesWindow('s|A', bounds);
    for (let offset = 0; offset < 10 * bounds.heldMax; offset += 1) {
      window.take(entry(offset));
      const held = window.from(window.floorOffset);
      expect(held.length).toBe(offset - window.floorOffset + 1);
    }
    expect(window.floorOffset).toBeGreaterThan(0);
    expect(window.newest(1e9).length).toBeLessThan(2 * bounds.heldMax);
  });

  it('leaves what is older than all it remembers to the lake', () => {
    const window = new SeriesWindow('s|A', bounds);
    for (let offset = 0; offset < 5_000; offset += 1) window.take(entry(offset, offset + 100));
    expect(window.take(entry(5_000, 100))).toBe('late');
    expect(window.take(entry(5_001, 5_099))).toBe('duplicate');
  });
});
