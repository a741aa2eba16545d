import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { asHeld, expectProven, heldBars, openBarVenue, type BarVenue } from './support.ts';

const symbol = 'BTCUSDT';
const now = '2024-03-05T10:00:30Z';
let lake: TestLake;
let lastSeed = 6_700;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

async function openVenue(time = now): Promise<BarVenue> {
  const venue = await openBarVenue(lake, ++lastSeed, time);
  onTestFinished(() => venue.close());
  return venue;
}

/** The lake holds exactly the bars of REST. */
async function expectSame(venue: BarVenue, interval: '1m' | '1d', from: string, to: string): Promise<void> {
  const { source } = venue.exchange;
  expect(await heldBars(lake, source, symbol, interval)).toEqual(
    asHeld(await venue.rest(symbol, interval, from, to)),
  );
}

describe('bars come from', () => {
  const window = {
    symbols: [symbol],
    intervals: ['1m' as const],
    from: '2024-02-28',
    to: '2024-03-05T12:00Z',
  };

  test.each([
    ['rest', { files: 0, answers: 10 }],
    ['archive', { files: 5, answers: 0, left: 600 }],
    ['auto', { files: 5, answers: 1, left: 0 }],
  ] as const)('%s', async (origin, expected) => {
    const venue = await openVenue();
    const tasks = await venue.detect(window);
    const report = await venue.bring(tasks, { origin });
    const bars = 6 * 1_440 + (origin === 'archive' ? 0 : 600);
    expect(report).toMatchObject({ rows: bars, filled: 0, explained: 0, damaged: [], ...expected });
    await expectSame(venue, '1m', '2024-02-28', origin === 'archive' ? '2024-03-05' : now);
    expect(await venue.bring(tasks, { origin })).toMatchObject({ rows: 0, unchanged: true });
    await expectProven(lake);
  });
});
