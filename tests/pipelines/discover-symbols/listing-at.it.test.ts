import { afterAll, beforeAll, expect, test } from 'vitest';
import { holderAt, listingAt, nameHolders } from '#pipelines/discover-symbols/listing-at.ts';
import { saveListings } from '#pipelines/discover-symbols/listings.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

const source = 'venue';
const us = (time: string) => Date.parse(time) * 1_000;
const [ended, began] = [us('2023-01-10T12:00:00Z'), us('2023-03-01T10:30:00Z')];
let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
  const luna = { source, symbol: 'LUNAUSDT', base: 'LUNA', quote: 'USDT', lastTradeId: 7, seenUs: began };
  await lake.database.transaction((tx) =>
    saveListings(tx, [
      { ...luna, number: 1, status: 'BREAK', listedUs: us('2021-06-01'), delistedUs: ended },
      { ...luna, number: 2, status: 'TRADING', listedUs: began, delistedUs: null },
    ]),
  );
});
afterAll(async () => {
  await lake.close();
});

test('a name is of the coin that was listed last at the time', async () => {
  const at = (timeUs: number) => listingAt(lake.database, source, 'LUNAUSDT', timeUs);
  expect(await at(us('2020-01-01'))).toBe('LUNAUSDT#1');
  expect(await at(ended)).toBe('LUNAUSDT#1');
  expect(await at(began - 1)).toBe('LUNAUSDT#1');
  expect(await at(began)).toBe('LUNAUSDT#2');
});

test('a name of which nothing is known is of its first coin', async () => {
  expect(await listingAt(lake.database, source, 'NEWUSDT', began)).toBe('NEWUSDT#1');
  expect(await listingAt(lake.database, 'another', 'LUNAUSDT', began)).toBe('LUNAUSDT#1');
});

test("holders cover all time without a gap, and the bar of a listing is the new coin's", async () => {
  const request = { source, symbols: ['LUNAUSDT', 'NEWUSDT'] };
  const holders = await nameHolders(lake.database, { ...request, interval: '1d' });
  expect(holders).toEqual([
    { symbol: 'LUNAUSDT', listing: 'LUNAUSDT#1', fromUs: 0, toUs: us('2023-03-01') },
    { symbol: 'LUNAUSDT', listing: 'LUNAUSDT#2', fromUs: us('2023-03-01'), toUs: Number.MAX_SAFE_INTEGER },
    { symbol: 'NEWUSDT', listing: 'NEWUSDT#1', fromUs: 0, toUs: Number.MAX_SAFE_INTEGER },
  ]);
  expect(holderAt(holders, 'LUNAUSDT', us('2023-03-01'))).toBe('LUNAUSDT#2');
  expect(holderAt(holders, 'OTHERUSDT', us('2023-03-01'))).toBe('OTHERUSDT#1');
});
