import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { explainIds, extendCoverage } from '#core/lake/coverage.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { detectGaps, type DetectOptions } from '#pipelines/detect-gaps/detect.ts';
import { listGaps } from '#core/lake/gaps.ts';
import { gapTasks, want } from '#pipelines/detect-gaps/wanted.ts';
import { discoverSymbols } from '#pipelines/discover-symbols/discover.ts';
import { defaultRules } from '#pipelines/discover-symbols/rules.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;
let lastSeed = 5_100;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const us = (time: string) => Date.parse(time) * 1_000;
const dayUs = 86_400_000_000;

async function venueAt(time: string): Promise<TimedVenue> {
  const venue = await openTimedVenue(++lastSeed, time);
  onTestFinished(() => venue.close());
  return venue;
}

function detect(venue: TimedVenue, own: Partial<DetectOptions> = {}) {
  const { exchange } = venue;
  const metrics = new Metrics();
  return detectGaps({ exchange, database: lake.database, intervals: ['1d'], trades: false, metrics, ...own });
}

async function discover(venue: TimedVenue, top: number): Promise<string[]> {
  const rules = { ...defaultRules, top };
  const { exchange } = venue;
  const found = await discoverSymbols({ exchange, database: lake.database, rules, metrics: new Metrics() });
  return found.chosen.map(({ market }) => market.symbol);
}

async function hold(table: string, listing: string, source: string, lo: number, hi: number, interval = '') {
  await lake.database.transaction((tx) => extendCoverage(tx, table, [{ source, listing, interval, lo, hi }]));
}

test('without a universe it says what to do', async () => {
  const venue = await venueAt('2024-03-05T10:00:00Z');
  await expect(detect(venue)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(detect(venue, { symbols: ['NOSUCH'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('of bars, head, tail and holes are missing; the liquid and the new come first; what is explained is not', async () => {
  const venue = await venueAt('2024-03-05T10:00:00Z');
  const { source } = venue.exchange;
  const symbols = await discover(venue, 3);
  const [first = ''] = symbols;
  const fromUs = us('2022-11-01T00:00:00Z');
  const { tasks, wanted } = await detect(venue, { fromUs });
  expect(wanted).toHaveLength(3);
  expect(tasks.slice(0, 4).map(({ symbol, period }) => [symbol, period])).toEqual([
    ...['2024', '2023', '2022'].map((period) => [first, period]),
    [symbols[1], '2024'],
  ]);
  // Whole days from 1 January to 4 March; the 5th goes on.
  expect(tasks[0]).toMatchObject({ key: `market.klines/${source}/${first}#1/1d/2024`, count: 64 });

  const listing = `${first}#1`;
  await hold('market.klines', listing, source, us('2022-11-03T00:00:00Z'), us('2023-06-01T00:00:00Z'), '1d');
  await hold('market.klines', listing, source, us('2023-06-04T00:00:00Z'), us('2024-03-01T00:00:00Z'), '1d');
  const lo = us('2023-06-02T00:00:00Z');
  await explainIds(lake.database, 'market.klines', [
    { source, listing, interval: '1d', lo, hi: lo + dayUs, cause: 'halt', detail: 'a test' },
  ]);
  const left = await gapTasks(lake.database, { source, symbols: [first] });
  expect(left.map(({ period, ranges }) => [period, ranges])).toEqual([
    ['2024', [{ from: us('2024-03-01T00:00:00Z'), to: us('2024-03-05T00:00:00Z') }]],
    [
      '2023',
      [
        { from: us('2023-06-01T00:00:00Z'), to: lo },
        { from: lo + dayUs, to: us('2023-06-04T00:00:00Z') },
      ],
    ],
    ['2022', [{ from: fromUs, to: us('2022-11-03T00:00:00Z') }]],
  ]);
  const listed = await listGaps(lake.database, { source, symbols: [first] });
  expect(listed.map(({ kind, cause, count }) => [kind, cause, count])).toEqual([
    ['missing', null, 2],
    ['missing', null, 1],
    ['missing', null, 1],
    ['missing', null, 4],
    ['explained', 'halt', 1],
  ]);

  // A day later the same window is longer, and only that day is new.
  await venue.goTo('2024-03-06T10:00:00Z');
  const again = await detect(venue, { fromUs, symbols: [first] });
  expect(again.tasks.map(({ period, count }) => [period, count])).toEqual([
    ['2024', 5],
    ['2023', 2],
    ['2022', 2],
  ]);
});

test('bars are wanted neither before listing nor after delisting, of each coin that had the name', async () => {
  const venue = await venueAt('2024-03-05T10:00:00Z');
  const symbol = (await discover(venue, 5))[1] ?? '';
  await venue.befall({ kind: 'delisting', symbol, fromMs: Date.parse('2024-03-06T12:30:00Z') });
  await venue.befall({
    kind: 'relisting',
    symbol,
    fromMs: Date.parse('2024-03-09T00:00:00Z'),
    ids: 'restart',
  });
  await venue.goTo('2024-03-07T10:00:00Z');
  await discover(venue, 5);
  await venue.goTo('2024-03-10T10:00:30Z');
  await discover(venue, 5);
  const { wanted } = await detect(venue, {
    ...{ symbols: [symbol], intervals: ['1h'], fromUs: us('2024-03-06T00:00:00Z') },
  });
  expect(wanted.map(({ listing, lo, hi }) => [listing, lo, hi])).toEqual([
    [`${symbol}#1`, us('2024-03-06T00:00:00Z'), us('2024-03-06T13:00:00Z')],
    [`${symbol}#2`, us('2024-03-09T00:00:00Z'), us('2024-03-10T10:00:00Z')],
  ]);
  // The venue has exactly the bars that are wanted of the coins.
  for (const { lo, hi } of wanted) {
    const bars = await venue.exchange.klines({ symbol, interval: '1h', fromUs: lo, toUs: hi - 1 });
    expect(bars).toHaveLength((hi - lo) / 3_600_000_000);
  }
});

test('trades are wanted by id in whole days, and days that are known are not asked for again', async () => {
  const venue = await venueAt('2024-03-05T10:00:00Z');
  const { source } = venue.exchange;
  const symbol = (await discover(venue, 5))[4] ?? '';
  const request = { symbols: [symbol], intervals: [], trades: true, fromUs: us('2024-03-03T12:00:00Z') };
  const { wanted, tasks } = await detect(venue, request);
  expect(wanted.map(({ day }) => day)).toEqual(['2024-03-03', '2024-03-04', '2024-03-05']);
  for (const { day, lo, hi } of wanted) {
    const [first] = await venue.exchange.tradesFrom(symbol, lo, 1);
    const [last] = await venue.exchange.tradesFrom(symbol, hi - 1, 1);
    expect(
      [first, last].map((trade) => new Date((trade?.timestampUs ?? 0) / 1_000).toISOString().slice(0, 10)),
    ).toEqual([day, day]);
  }
  expect(wanted[0]?.hi).toBe(wanted[1]?.lo);
  expect(tasks.map(({ period, count }) => [period, count])).toEqual(
    wanted.toReversed().map(({ day, lo, hi }) => [day, hi - lo]),
  );

  const [day] = wanted;
  await hold('market.trades', `${symbol}#1`, source, (day?.lo ?? 0) + 10, day?.hi ?? 0);
  const [, , oldest] = (await detect(venue, request)).tasks;
  expect(oldest).toMatchObject({
    ...{ period: '2024-03-03', count: 10 },
    ranges: [{ from: day?.lo, to: (day?.lo ?? 0) + 10 }],
  });
});

test('a dry run says what would be missing, and makes nothing wanted', async () => {
  const venue = await venueAt('2024-03-05T10:00:00Z');
  const { source } = venue.exchange;
  const request = { symbols: ['LINKUSDT'], trades: true, fromUs: us('2024-03-04T00:00:00Z') };
  const said = await detect(venue, { ...request, dryRun: true });
  expect(said.tasks.map(({ period }) => period)).toEqual(['2024-03-05', '2024-03-04', '2024']);
  expect(await gapTasks(lake.database, { source })).toEqual([]);
  const { rows } = await lake.database.query('select 1 from universe.listings where source = $1', [source]);
  expect(rows).toEqual([]);
  expect((await detect(venue, request)).tasks.map(({ key }) => key)).toEqual(
    said.tasks.map(({ key }) => key),
  );
});

test('the span between separate holdings is no gap unless it is wanted or asked for', async () => {
  const source = 'archive-test';
  const [a, b, c] = ['2021-05-01', '2021-06-01', '2025-01-01'].map((day) => us(`${day}T00:00:00Z`));
  await hold('market.klines', 'BTCUSDT#1', source, a ?? 0, b ?? 0, '1d');
  await hold('market.klines', 'BTCUSDT#1', source, c ?? 0, (c ?? 0) + dayUs, '1d');
  // Nothing is wanted: what lies between the first and the last is all that can be said.
  expect(await listGaps(lake.database, { source })).toMatchObject([{ from: b, to: c, kind: 'missing' }]);
  const rows = [
    { lo: a ?? 0, hi: b ?? 0 },
    { lo: c ?? 0, hi: (c ?? 0) + dayUs },
  ].map((range) => ({
    table: 'market.klines',
    source,
    listing: 'BTCUSDT#1',
    interval: '1d',
    rank: 1,
    ...range,
  }));

  await want(lake.database, rows);
  expect(await listGaps(lake.database, { source })).toEqual([]);
  const asked = { source, fromUs: us('2021-05-20T00:00:00Z'), toUs: us('2021-06-03T00:00:00Z') };
  expect(await listGaps(lake.database, asked)).toMatchObject([
    { from: b, to: us('2021-06-03T00:00:00Z'), count: 2, kind: 'missing' },
  ]);
});

test('windows of days back are their own for each interval, and those of many days are one', async () => {
  const venue = await venueAt('2024-03-05T10:00:00Z');
  const { source } = venue.exchange;
  const [symbol = ''] = await discover(venue, 1);
  const days = { '1d': 30, '1h': 1 };
  const { wanted } = await detect(venue, { intervals: ['1d', '1h'], days, symbols: [symbol] });
  expect(wanted.map(({ interval, lo, hi }) => [interval, lo, hi])).toEqual([
    ['1d', us('2024-02-04T00:00:00Z'), us('2024-03-05T00:00:00Z')],
    ['1h', us('2024-03-04T00:00:00Z'), us('2024-03-05T10:00:00Z')],
  ]);

  await venue.goTo('2024-03-06T10:00:00Z');
  await detect(venue, { intervals: ['1d', '1h'], days, symbols: [symbol] });
  const { rows } = await lake.database.query(
    'select "interval", lo, hi from lake.wanted where source = $1 order by "interval"',
    [source],
  );
  expect(rows).toEqual([
    { interval: '1d', lo: us('2024-02-04T00:00:00Z'), hi: us('2024-03-06T00:00:00Z') },
    { interval: '1h', lo: us('2024-03-04T00:00:00Z'), hi: us('2024-03-06T10:00:00Z') },
  ]);
});
