import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fetchIds, type FetchedIds, type IdSpan } from '#pipelines/ingest-trades/fetch-ids.ts';
import { startTapeVenue, type TapeVenue } from './tape-venue.ts';

let venue: TapeVenue;
let tape: readonly number[] = [];
let askedBefore = 0;

beforeAll(async () => {
  venue = await startTapeVenue('venue', () => tape);
});
beforeEach(() => {
  askedBefore = venue.asked('BTCUSDT').length;
});
afterAll(async () => {
  await venue.close();
});

async function fetchAll(spans: readonly IdSpan[]): Promise<{ fetched: number[]; absent: number[] }> {
  const answers: FetchedIds[] = [];
  for await (const answer of fetchIds(venue.exchange, 'BTCUSDT', spans, AbortSignal.timeout(10_000))) {
    answers.push(answer);
  }
  return {
    fetched: answers.flatMap(({ trades }) => trades.map((trade) => trade.tradeId)),
    absent: answers.flatMap((answer) => answer.absent.flatMap(idsOf)),
  };
}

function asked(): { fromId: number; limit: number }[] {
  return venue.asked('BTCUSDT').slice(askedBefore);
}

function idsOf({ fromId, toId }: IdSpan): number[] {
  return Array.from({ length: toId - fromId }, (_, index) => fromId + index);
}

test('spans that fit one answer share a request', async () => {
  tape = idsOf({ fromId: 1, toId: 5_000 });
  const spans = [
    { fromId: 10, toId: 11 },
    { fromId: 500, toId: 502 },
    { fromId: 1_005, toId: 1_012 },
    { fromId: 3_000, toId: 3_001 },
  ];
  expect(await fetchAll(spans)).toEqual({ fetched: spans.flatMap(idsOf), absent: [] });
  expect(asked()).toEqual([
    { fromId: 10, limit: 1_000 },
    { fromId: 1_010, limit: 2 },
    { fromId: 3_000, limit: 1 },
  ]);
});

test('ids that the venue passed over are absent, ids beyond its last are left open', async () => {
  tape = [1, 2, 6, 7];
  expect(
    await fetchAll([
      { fromId: 3, toId: 5 },
      { fromId: 7, toId: 10 },
    ]),
  ).toEqual({
    fetched: [7],
    absent: [3, 4],
  });
  expect(await fetchAll([{ fromId: 8, toId: 10 }])).toEqual({ fetched: [], absent: [] });
});

test('nothing wanted is not asked for', async () => {
  expect(await fetchAll([{ fromId: 5, toId: 5 }])).toEqual({ fetched: [], absent: [] });
  expect(asked()).toEqual([]);
});

test('whatever the tape and the spans, each wanted id is fetched, absent, or beyond the end', async () => {
  const ids = fc.uniqueArray(fc.nat(4_000), { maxLength: 60 }).map((list) => list.toSorted((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(ids, ids, async (onTape, bounds) => {
      tape = onTape;
      const spans = Array.from({ length: Math.floor(bounds.length / 2) }, (_, index) => ({
        fromId: bounds[2 * index] ?? 0,
        toId: bounds[2 * index + 1] ?? 0,
      }));
      const wanted = spans.flatMap(idsOf);
      const last = onTape.at(-1) ?? -1;
      expect(await fetchAll(spans)).toEqual({
        fetched: wanted.filter((id) => onTape.includes(id)),
        absent: wanted.filter((id) => !onTape.includes(id) && id < last),
      });
    }),
    { numRuns: 50 },
  );
});
