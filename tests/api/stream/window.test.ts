import { describe, expect, it } from 'vitest';
import { TradeWindow, windowTradesMax } from '#api/stream/window.ts';

const entry = (offset: number, sequence = offset) => ({
  offset,
  sequence,
  price: '1',
  timestamp: '2024-08-08T23:54:14.000000Z',
  json: `{"sequence":${sequence}}`,
});

describe('the window of a market', () => {
  it('takes each id once, in any order', () => {
    const window = new TradeWindow('s', 'A', 0, 0);
    expect([7, 9, 8, 9, 7].map((id, offset) => window.take(entry(offset, id)))).toEqual([
      ...['new', 'new', 'new', 'duplicate', 'duplicate'],
    ]);
    expect(window.newest(10).map(({ sequence }) => sequence)).toEqual([7, 9, 8]);
  });

  it('holds everything from its floor on, and says so as it forgets', () => {
    const window = new TradeWindow('s', 'A', 0, 0);
    for (let offset = 0; offset < 10 * windowTradesMax; offset += 1) {
      window.take(entry(offset));
      const held = window.from(window.floorOffset);
      expect(held.length).toBe(offset - window.floorOffset + 1);
    }
    expect(window.floorOffset).toBeGreaterThan(0);
    expect(window.newest(1e9).length).toBeLessThan(2 * windowTradesMax);
  });

  it('leaves what is older than all it remembers to the lake', () => {
    const window = new TradeWindow('s', 'A', 0, 0);
    for (let offset = 0; offset < 5_000; offset += 1) window.take(entry(offset, offset + 100));
    expect(window.take(entry(5_000, 100))).toBe('late');
    expect(window.take(entry(5_001, 5_099))).toBe('duplicate');
  });
});
