import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Metrics } from '#core/platform/metrics.ts';
import { discoverSymbols, type Discovered } from '#pipelines/discover-symbols/discover.ts';
import { listingId, listListings } from '#pipelines/discover-symbols/listings.ts';
import { defaultRules } from '#pipelines/discover-symbols/rules.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import { knownSymbols, registerSymbols } from '#pipelines/ingest-trades/symbols.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openTimedVenue, type TimedVenue } from './venue.ts';

let lake: TestLake;
let lastSeed = 4_100;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

async function venueAt(time: string): Promise<TimedVenue> {
  const venue = await openTimedVenue(++lastSeed, time);
  onTestFinished(() => venue.close());
  return venue;
}

function discover(venue: TimedVenue, top = 12): Promise<Discovered> {
  const rules = { ...defaultRules, top };
  return discoverSymbols({
    ...{ exchange: venue.exchange, database: lake.database, rules, metrics: new Metrics() },
  });
}

const names = ({ chosen }: Discovered) => chosen.map(({ market }) => market.symbol);
const ms = (time: string) => Date.parse(time);

async function listingsOf(venue: TimedVenue, symbol: string) {
  return await listListings(lake.database, { source: venue.exchange.source, symbols: [symbol] });
}

describe('against the simulator', () => {
  test('chooses markets, registers them for ingest, and says again the same', async () => {
    const venue = await venueAt('2024-03-05T10:00:00Z');
    const first = await discover(venue);
    expect(first.chosen).toHaveLength(12);
    expect(first.entered.sort()).toEqual(names(first).sort());
    expect(first.dropped.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['leveraged', 'excluded_base', 'rank', 'counted_with_its_coin']),
    );
    const known = (await knownSymbols(lake.database, 0)).filter(
      ({ source }) => source === venue.exchange.source,
    );
    expect(known.map(({ listing }) => listing).sort()).toEqual(
      names(first)
        .map((name) => `${name}#1`)
        .sort(),
    );

    const second = await discover(venue);
    expect(names(second)).toEqual(names(first));
    expect([second.entered, second.left, second.relisted]).toEqual([[], [], []]);
    const listings = await listListings(lake.database, { source: venue.exchange.source });
    expect(listings).toHaveLength(12);
    for (const listing of listings) {
      const bar = await venue.exchange.firstKline(listing.symbol, '1m');
      expect(listing).toMatchObject({ number: 1, delistedUs: null, listedUs: bar?.openTimeUs });
    }
  });

  test('halted and delisted markets leave, and what was chosen before can still be asked', async () => {
    const venue = await venueAt('2024-03-05T10:00:00Z');
    const first = await discover(venue);
    const [halted = '', delisted = ''] = names(first).slice(2);
    await venue.befall({ kind: 'halt', symbol: halted, minutes: 600 });
    await venue.befall({ kind: 'delisting', symbol: delisted, fromMs: ms('2024-03-05T11:30:00Z') });
    await venue.goTo('2024-03-05T12:00:00Z');
    const second = await discover(venue);
    expect(second.left.sort()).toEqual([halted, delisted].sort());
    expect(second.dropped).toEqual(
      expect.arrayContaining([
        { symbol: halted, reason: 'halted' },
        { symbol: delisted, reason: 'delisted' },
      ]),
    );
    const [listing] = await listingsOf(venue, delisted);
    expect(listing).toMatchObject({
      number: 1,
      status: 'BREAK',
      delistedUs: ms('2024-03-05T11:30:00Z') * 1_000,
    });

    const { source } = venue.exchange;
    const now = await listUniverse(lake.database, { source });
    expect(now.map(({ symbol }) => symbol)).toEqual(names(second));
    const asOf = new Date('2024-03-05T11:00:00Z');
    const then = await listUniverse(lake.database, { source, asOf });
    expect(then.map(({ symbol }) => symbol)).toEqual(names(first));
    // As was known when it was chosen, it held until further notice; as is known since, until the next discovery.
    expect(then.every(({ validTo }) => validTo === null)).toBe(true);
    const since = await listUniverse(lake.database, { source, asOf, knownAt: new Date() });
    expect(since.map(({ symbol }) => symbol)).toEqual(names(first));
    expect(new Set(since.map(({ validTo }) => validTo))).toEqual(new Set([now[0]?.validFrom]));
    const early = { source, asOf: new Date('2024-03-05T09:00:00Z') };
    expect(await listUniverse(lake.database, early)).toEqual([]);
    expect(await listUniverse(lake.database, { source, knownAt: new Date(0) })).toEqual([]);
  });

  test.each(['restart', 'continue'] as const)(
    'a name that goes to another coin is its second listing (%s)',
    async (ids) => {
      const venue = await venueAt('2024-03-05T10:00:00Z');
      const symbol = names(await discover(venue))[1] ?? '';
      await venue.befall({ kind: 'delisting', symbol, fromMs: ms('2024-03-05T12:00:00Z') });
      await venue.befall({ kind: 'relisting', symbol, fromMs: ms('2024-03-09T00:00:00Z'), ids });
      await venue.goTo('2024-03-06T10:00:00Z');
      expect((await discover(venue)).left).toContain(symbol);
      await venue.goTo('2024-03-10T10:00:00Z');
      expect((await discover(venue)).relisted).toEqual([symbol]);
      const [earlier, later] = await listingsOf(venue, symbol);
      expect(earlier).toMatchObject({ number: 1, delistedUs: ms('2024-03-05T12:00:00Z') * 1_000 });
      expect(later).toMatchObject({
        number: 2,
        delistedUs: null,
        listedUs: ms('2024-03-09T00:00:00Z') * 1_000,
      });
      await venue.goTo('2024-03-11T10:00:00Z');
      expect((await discover(venue)).relisted).toEqual([]);
      expect((await listingsOf(venue, symbol)).map(listingId)).toEqual([`${symbol}#1`, `${symbol}#2`]);

      const listingForIngest = async () =>
        (await knownSymbols(lake.database, 0)).find(
          (known) => known.source === venue.exchange.source && known.symbol === symbol,
        )?.listing;
      expect(await listingForIngest()).toBe(`${symbol}#2`);
      await lake.database.query('delete from ingest.symbols where source = $1', [venue.exchange.source]);
      const markets = await venue.exchange.symbols();
      await registerSymbols(
        lake.database,
        venue.exchange.source,
        markets.filter((market) => market.symbol === symbol),
      );
      expect(await listingForIngest()).toBe(`${symbol}#2`);
    },
  );

  test('a second coin is found by its ids though nobody looked while the name was free', async () => {
    const venue = await venueAt('2024-03-05T10:00:00Z');
    const symbol = names(await discover(venue))[1] ?? '';
    await venue.befall({ kind: 'delisting', symbol, fromMs: ms('2024-03-05T12:00:00Z') });
    await venue.befall({ kind: 'relisting', symbol, fromMs: ms('2024-03-06T00:00:00Z'), ids: 'restart' });
    await venue.goTo('2024-03-07T10:00:00Z');
    expect((await discover(venue)).relisted).toEqual([symbol]);
    expect(await listingsOf(venue, symbol)).toMatchObject([
      { number: 1, delistedUs: ms('2024-03-05T12:00:00Z') * 1_000 },
      { number: 2, listedUs: ms('2024-03-06T00:00:00Z') * 1_000, delistedUs: null },
    ]);
  });

  test('a market that was gone from the list for an hour, its bars going on, is the same coin', async () => {
    const venue = await venueAt('2024-03-05T10:00:00Z');
    const symbol = names(await discover(venue))[3] ?? '';
    await lake.database.query(
      `update universe.listings set status = 'BREAK', delisted_us = seen_us where source = $1 and symbol = $2`,
      [venue.exchange.source, symbol],
    );
    await venue.goTo('2024-03-05T11:00:00Z');
    expect((await discover(venue)).relisted).toEqual([]);
    expect(await listingsOf(venue, symbol)).toMatchObject([
      { number: 1, status: 'TRADING', delistedUs: null },
    ]);
  });

  test('while the exchange stands still nothing is chosen anew, and the universe stays', async () => {
    const venue = await venueAt('2024-03-05T10:00:00Z');
    const { source } = venue.exchange;
    const before = names(await discover(venue));
    await venue.befall({ kind: 'outage', fromMs: ms('2024-03-05T11:00:00Z'), minutes: 60 });
    await venue.goTo('2024-03-05T11:30:00Z');
    await expect(discover(venue)).rejects.toMatchObject({ retryable: true });
    expect((await listUniverse(lake.database, { source })).map(({ symbol }) => symbol)).toEqual(before);
    await venue.goTo('2024-03-05T12:30:00Z');
    const after = await discover(venue);
    expect([after.left, after.relisted]).toEqual([[], []]);
  });

  test('a discovery older than the universe is refused, and a dry run writes nothing', async () => {
    const venue = await venueAt('2024-03-05T10:00:00Z');
    const options = {
      ...{ exchange: venue.exchange, database: lake.database, rules: defaultRules },
      ...{ metrics: new Metrics(), dryRun: true },
    };
    expect((await discoverSymbols(options)).chosen.length).toBeGreaterThan(0);
    expect(await listUniverse(lake.database, { source: venue.exchange.source })).toEqual([]);
    await discover(venue);
    await venue.goTo('2024-03-04T10:00:00Z');
    await expect(discover(venue)).rejects.toMatchObject({ code: 'PLAN_STALE' });
  });
});
