import { gaps } from '#core/lake/ledger.ts';
import { gapTasks } from '#pipelines/detect-gaps/wanted.ts';
import { discoverSymbols } from '#pipelines/discover-symbols/discover.ts';
import { defaultRules } from '#pipelines/discover-symbols/rules.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { asHeld, exchangeOf, expectProven, heldBars, openBarVenue, us, type BarVenue } from './support.ts';

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
    from: '2024-03-02',
    to: '2024-03-05T12:00Z',
  };

  test.each([
    ['rest', { files: 0, answers: 5 }],
    ['archive', { files: 3, answers: 0, left: 600 }],
    ['auto', { files: 3, answers: 1, left: 0 }],
  ] as const)('%s', async (origin, expected) => {
    const venue = await openVenue();
    const tasks = await venue.detect(window);
    const report = await venue.bring(tasks, { origin });
    const bars = 3 * 1_440 + (origin === 'archive' ? 0 : 600);
    expect(report).toMatchObject({ rows: bars, filled: 0, explained: 0, damaged: [], ...expected });
    await expectSame(venue, '1m', '2024-03-02', origin === 'archive' ? '2024-03-05' : now);
    expect(await venue.bring(tasks, { origin })).toMatchObject({ rows: 0, unchanged: true });
    await expectProven(lake);
  });
});

describe('what the archive lacks or has spoilt comes from REST', () => {
  const window = { symbols: [symbol], intervals: ['1m' as const], from: '2024-03-02', to: '2024-03-04' };

  test.each([
    ['a day that is missing', { kind: 'missing' }, []],
    ['a day without its rows', { kind: 'drop' }, []],
    ['half a day', { kind: 'truncate' }, []],
    ['a wrong checksum', { kind: 'checksum' }, ['checksum-mismatch']],
  ])('%s', async (_what, fault, damage) => {
    const venue = await openVenue();
    await venue.spoil({ ...fault, symbol, of: 'klines', period: '2024-03-02' });
    const tasks = await venue.detect(window);
    const report = await venue.bring(tasks);
    expect(report).toMatchObject({ rows: 2_880, filled: 0, explained: 0, left: 0 });
    expect(report.answers).toBeGreaterThan(0);
    expect(report.damaged.map((file) => file.damage)).toEqual(damage);
    for (const { file, message } of report.damaged) expect(message).toContain(file);
    await expectSame(venue, '1m', '2024-03-02', '2024-03-04');
    expect(await venue.missing()).toEqual([]);
    const { rows } = await lake.database.query<{ path: string }>(
      'select path from lake.archive_files where source = $1 order by path',
      [venue.exchange.source],
    );
    // What was taken of the archive is remembered, and only that.
    const days = fault.kind === 'truncate' ? ['02', '03'] : ['03'];
    expect(rows.map(({ path }) => path.slice(-'2024-03-02.zip'.length))).toEqual(
      days.map((day) => `2024-03-${day}.zip`),
    );
  });

  test('but not where only the archive is asked: then it stays a gap', async () => {
    const venue = await openVenue();
    await venue.spoil({ kind: 'checksum', symbol, period: '2024-03-02' });
    const report = await venue.bring(await venue.detect(window), { origin: 'archive' });
    expect(report).toMatchObject({ rows: 1_440, left: 1_440, damaged: [{ damage: 'checksum-mismatch' }] });
    const missing = await venue.missing();
    expect(missing).toMatchObject([{ ranges: [{ from: us('2024-03-02'), to: us('2024-03-03') }] }]);
    expect(await venue.bring(missing, { origin: 'rest' })).toMatchObject({ rows: 1_440, left: 0 });
    expect(await venue.missing()).toEqual([]);
  });
});

describe('bars that the venue does not have', () => {
  const window = { symbols: [symbol], intervals: ['1m' as const], from: '2024-03-05', to: '2024-03-06' };

  test('are filled flat where it has bars around them, until it has them after all', async () => {
    const venue = await openVenue();
    const { source } = venue.exchange;
    await venue.befall({ kind: 'outage', fromMs: Date.parse('2024-03-05T11:00:00Z'), minutes: 10 });
    await venue.goTo('2024-03-06T10:00:30Z');
    const tasks = await venue.detect(window);
    // Only the venue itself can confirm that it has none.
    const [task] = tasks;
    expect(await venue.bring(tasks, { origin: 'archive' })).toMatchObject({
      rows: 1_430,
      filled: 0,
      left: 10,
    });
    expect(await venue.bring(await venue.missing())).toMatchObject({ rows: 10, filled: 10, left: 0 });
    const held = await heldBars(lake, source, symbol, '1m');
    const [before, ...flat] = held.slice(659, 671);
    const price = before?.close ?? '';
    expect(before).toMatchObject({ ms: Date.parse('2024-03-05T10:59:00Z'), filled: false });
    expect(flat.at(-1)).toMatchObject({ ms: Date.parse('2024-03-05T11:10:00Z'), filled: false });
    const volume = '0.000000000000000000';
    for (const bar of flat.slice(0, 10)) {
      expect(bar).toMatchObject({ open: price, close: price, volume, trades: 0, filled: true });
    }
    expect(await venue.missing()).toEqual([]);
    await expectProven(lake);

    // The same venue without the outage: the bars that it would have given.
    const twin = await openBarVenue(lake, lastSeed, '2024-03-06T10:00:30Z');
    onTestFinished(() => twin.close());
    const exchange = exchangeOf(twin, source, lake);
    onTestFinished(() => exchange.close());
    const whole = { ...task, ranges: [{ from: us('2024-03-05'), to: us('2024-03-06') }] } as typeof task &
      object;
    expect(await venue.bring([whole], { exchange, origin: 'rest' })).toMatchObject({
      rows: 1_440,
      filled: 0,
    });
    const real = asHeld(await twin.rest(symbol, '1m', '2024-03-05', '2024-03-06'));
    expect(await heldBars(lake, source, symbol, '1m')).toEqual(real);
    // And a venue that has forgotten them takes nothing away.
    expect(await venue.bring([whole], { origin: 'rest' })).toMatchObject({ filled: 10 });
    const kept = await heldBars(lake, source, symbol, '1m');
    expect(kept.filter(({ filled }) => filled)).toEqual([]);
    expect(kept.slice(660, 670)).toEqual(real.slice(660, 670));
    await expectProven(lake);
  });

  test('stay gaps while the market may only stand still, and are explained when it has ended', async () => {
    const venue = await openVenue();
    await venue.befall({ kind: 'delisting', symbol, fromMs: Date.parse('2024-03-05T11:00:00Z') });
    await venue.goTo('2024-03-05T12:00:30Z');
    expect(await venue.bring(await venue.detect(window))).toMatchObject({ rows: 660, filled: 0, left: 60 });
    await venue.goTo('2024-03-07T12:00:30Z');
    const tasks = await venue.detect(window);
    expect(await venue.bring(tasks)).toMatchObject({ rows: 0, filled: 0, explained: 780, left: 0 });
    expect(await venue.missing()).toEqual([]);
    expect(await gaps(lake.lake, { source: venue.exchange.source })).toMatchObject([
      { from: us('2024-03-05T11:00:00Z'), to: us('2024-03-06'), cause: 'never_published' },
    ]);
  });

  test('are never those that are not closed', async () => {
    const venue = await openVenue();
    const [task] = await venue.detect(window);
    if (task === undefined) throw new Error('nothing is missing');
    const beyond = {
      ...task,
      ranges: [{ from: us('2024-03-05T09:00:00Z'), to: us('2024-03-05T11:00:00Z') }],
    };
    for (const origin of ['auto', 'rest'] as const) {
      const report = await venue.bring([beyond], { origin });
      expect(report).toMatchObject({ filled: 0, explained: 0 });
    }
    const last = (await heldBars(lake, venue.exchange.source, symbol, '1m')).at(-1);
    expect(last?.ms).toBeLessThanOrEqual(Date.parse('2024-03-05T09:59:00Z'));
  });
});

test('a name that another coin took: each has its own bars, and none lies between', async () => {
  const venue = await openVenue();
  const { source } = venue.exchange;
  const discover = () =>
    discoverSymbols({
      ...{ exchange: venue.exchange, database: lake.database, metrics: new Metrics() },
      rules: { ...defaultRules, top: 30 },
    });
  await discover();
  await venue.befall({ kind: 'delisting', symbol, fromMs: Date.parse('2024-03-06T12:30:00Z') });
  await venue.befall({
    kind: 'relisting',
    symbol,
    fromMs: Date.parse('2024-03-09T00:00:00Z'),
    ids: 'restart',
  });
  await venue.goTo('2024-03-07T10:00:30Z');
  await discover();
  await venue.goTo('2024-03-10T10:00:30Z');
  await discover();
  const tasks = await venue.detect({ symbols: [symbol], intervals: ['1h'], from: '2024-03-06' });
  expect(await venue.bring(tasks)).toMatchObject({ rows: 13 + 34, filled: 0, explained: 0, left: 0 });
  const { rows } = await lake.database.query(
    'select listing, lo, hi from lake.coverage where source = $1 order by listing',
    [source],
  );
  expect(rows).toEqual([
    { listing: `${symbol}#1`, lo: us('2024-03-06'), hi: us('2024-03-06T13:00:00Z') },
    { listing: `${symbol}#2`, lo: us('2024-03-09'), hi: us('2024-03-10T10:00:00Z') },
  ]);
  const filter = { table: 'market.klines', source };
  expect(await gapTasks(lake.database, filter)).toEqual([]);

  // More than its life is asked for: what lies between belongs to nobody, and is nobody's flat bar.
  const [own] = tasks;
  if (own === undefined) throw new Error('nothing was missing');
  const wide = { ...own, listing: `${symbol}#1`, ranges: [{ from: us('2024-03-06'), to: us('2024-03-09') }] };
  expect(await venue.bring([wide])).toMatchObject({ filled: 0, explained: 59 });
});

test('a market whose name the venue does not know any more comes from the archive', async () => {
  const venue = await openVenue();
  const window = { symbols: [symbol], intervals: ['1h' as const], from: '2024-03-03', to: '2024-03-05' };
  const tasks = await venue.detect(window);
  await venue.befall({
    kind: 'delisting',
    symbol,
    fromMs: Date.parse('2024-03-05T11:00:00Z'),
    goneAfterMinutes: 0,
  });
  await venue.spoil({ kind: 'truncate', symbol, period: '2024-03-04' });
  await venue.goTo('2024-03-07T12:00:30Z');
  await expect(venue.rest(symbol, '1h', '2024-03-03', '2024-03-05')).rejects.toMatchObject({
    code: 'EXCHANGE_REFUSED',
  });
  expect(await venue.bring(tasks)).toMatchObject({ rows: 36, filled: 0, explained: 12, left: 0 });
  expect(await venue.missing()).toEqual([]);
});
