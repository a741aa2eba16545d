import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { query } from '#core/lake/engine.ts';
import { gaps } from '#core/lake/ledger.ts';
import type { GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { want } from '#pipelines/detect-gaps/wanted.ts';
import { discoverSymbols } from '#pipelines/discover-symbols/discover.ts';
import { defaultRules } from '#pipelines/discover-symbols/rules.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { heldOf, openTradeVenue, restTrades, type TradeVenue } from './support.ts';

const symbol = 'BTCUPUSDT';
let lake: TestLake;
let lastSeed = 6_500;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

async function openVenue(time = '2024-03-05T10:00:00Z'): Promise<TradeVenue> {
  const venue = await openTradeVenue(lake, ++lastSeed, time);
  onTestFinished(() => venue.close());
  return venue;
}

/** Of the days wanted, yesterday. */
async function yesterday(venue: TradeVenue): Promise<GapTask> {
  const [task] = await venue.detect(symbol, '2024-03-04', '2024-03-05');
  if (task === undefined) throw new Error('nothing is missing');
  expect(task).toMatchObject({
    period: '2024-03-04',
    ranges: [{ to: (task.ranges[0]?.from ?? 0) + task.count }],
  });
  return task;
}

const part = (task: GapTask, from: number, to: number): GapTask => {
  const first = task.ranges[0]?.from ?? 0;
  return { ...task, ranges: [{ from: first + from, to: first + to }], count: to - from };
};

async function rowsOf(source: string) {
  const { rows } = await query(
    lake.lake,
    `select trade_id::varchar as id, price::varchar as price, volume::varchar as volume, side,
            epoch_ms(timestamp)::varchar as ms
       from market.trades where source = '${source}' order by trade_id`,
    { spillDir: lake.spillDir },
  );
  return rows;
}

const eighteen = (decimal: string) => {
  const [whole, places = ''] = decimal.split('.');
  return `${whole}.${places.padEnd(18, '0')}`;
};

test('the archive and REST bring the same trades, each by itself, and a second time nothing is missing', async () => {
  const [byRest, byFile] = [await openVenue(), await openVenue()];
  const contents = [];
  for (const [venue, from] of [
    [byRest, 'rest'],
    [byFile, 'archive'],
  ] as const) {
    const task = await yesterday(venue);
    const report = await venue.bring(task, { from, pieceTradesMax: 1_000 });
    expect(report).toMatchObject({ rows: task.count, explained: 0, missing: 0, damaged: [], differences: 0 });
    expect(report).toMatchObject(
      from === 'rest' ? { fromRest: task.count, file: null } : { fromArchive: task.count },
    );
    const { source } = venue.exchange;
    const { from: lo = 0, to: hi = 0 } = task.ranges[0] ?? {};
    expect(await heldOf(lake, source, symbol)).toEqual({ rows: task.count, ids: task.count, lo, hi });
    expect(await venue.missing(symbol)).toEqual([]);
    expect(await venue.bring(task, { from })).toMatchObject({ rows: 0, missing: 0 });
    const known = (await restTrades(venue, symbol, lo, hi)).map((trade) => ({
      ...{ id: String(trade.tradeId), price: eighteen(trade.price), volume: eighteen(trade.volume) },
      ...{ side: trade.side, ms: String(trade.timestampUs / 1_000) },
    }));
    contents.push([await rowsOf(source), known]);
    const { rows: days } = await lake.database.query(
      'select day::text, first_id, last_id from lake.tape_days where source = $1',
      [source],
    );
    expect(days).toEqual([{ day: '2024-03-04', first_id: lo, last_id: hi - 1 }]);
  }
  for (const [held, known] of contents) expect(held).toEqual(known);
});

test('the archive is asked where REST would take more requests, and only for a day that is over', async () => {
  const venue = await openVenue();
  const task = await yesterday(venue);
  const few = await venue.bring(part(task, 0, 1_500));
  expect(few).toMatchObject({ fromRest: 1_500, fromArchive: 0, file: null });
  const rest = await venue.bring(task);
  expect(rest).toMatchObject({ fromRest: 0, fromArchive: task.count - 1_500, differences: 0 });
  expect(rest.file).toBe(`data/spot/daily/trades/${symbol}/${symbol}-trades-2024-03-04.zip`);

  const [today] = await venue.detect(symbol, '2024-03-05');
  expect(today?.period).toBe('2024-03-05');
  if (today === undefined) return;
  await expect(venue.bring(today, { from: 'archive' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await venue.bring(today)).toMatchObject({ fromRest: today.count, missing: 0, file: null });
});

test('what a truncated day lacks comes from REST; a day that is in no daily file, from its month', async () => {
  const venue = await openVenue('2024-03-12T10:00:00Z');
  await venue.spoil({ kind: 'truncate', symbol, of: 'trades', period: '2024-03-04', part: 0.5 });
  const task = await yesterday(venue);
  const report = await venue.bring(task);
  expect(report).toMatchObject({ rows: task.count, missing: 0, explained: 0 });
  expect(Math.min(report.fromArchive, report.fromRest)).toBeGreaterThan(100);

  await venue.spoil({ kind: 'missing', symbol, of: 'trades', period: '2024-02-10' });
  const [february] = await venue.detect(symbol, '2024-02-10', '2024-02-11');
  if (february === undefined) throw new Error('nothing is missing');
  const ofMonth = await venue.bring(february);
  expect(ofMonth).toMatchObject({ fromArchive: february.count, missing: 0 });
  expect(ofMonth.file).toMatch(/BTCUPUSDT-trades-2024-02\.zip$/);

  await venue.spoil({ kind: 'drop', symbol, of: 'trades', period: '2024-02-20' });
  const [dropped] = await venue.detect(symbol, '2024-02-20', '2024-02-21');
  if (dropped === undefined) throw new Error('nothing is missing');
  expect(await venue.bring(dropped)).toMatchObject({ fromRest: dropped.count, file: null, damaged: [] });
  const { rows, ids } = await heldOf(lake, venue.exchange.source, symbol);
  expect([rows, ids]).toEqual(Array(2).fill(task.count + february.count + dropped.count));
});

test('a file with a wrong checksum is kept as damage, and REST has its turn', async () => {
  const venue = await openVenue();
  await venue.spoil({ kind: 'checksum', symbol, of: 'trades', period: '2024-03-04' });
  const task = await yesterday(venue);
  await expect(venue.bring(task, { from: 'archive' })).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
  const report = await venue.bring(task);
  expect(report).toMatchObject({ fromRest: task.count, fromArchive: 0, missing: 0, file: null });
  expect(report.damaged).toMatchObject([
    { damage: 'checksum-mismatch', file: `data/spot/daily/trades/${symbol}/${symbol}-trades-2024-03-04.zip` },
  ]);
  const { values } = await lake.metrics.counter('ticklake_backfill_damaged_files_total', '').get();
  expect(values).toMatchObject([{ labels: { damage: 'checksum-mismatch' }, value: 2 }]);
});

test('a file that says otherwise than what is held: the difference is kept, the held stays', async () => {
  const venue = await openVenue();
  const task = await yesterday(venue);
  await venue.bring(part(task, 0, 1_200), { from: 'rest' });
  const { source } = venue.exchange;
  const before = await rowsOf(source);
  await venue.spoil({ kind: 'replace', symbol, of: 'trades', period: '2024-03-04' });
  const report = await venue.bring(task, { from: 'archive' });
  expect(report).toMatchObject({ fromArchive: task.count - 1_200, missing: 0 });
  // Every 97th row is another.
  expect(report.differences).toBeGreaterThan(10);
  expect((await rowsOf(source)).slice(0, 1_200)).toEqual(before);

  const { rows } = await lake.database.query<Record<string, unknown>>(
    'select lo, hi, keys, held, found, origin, length(sha256) as hash from lake.differences where source = $1 order by lo',
    [source],
  );
  expect(rows.reduce((sum, row) => sum + Number(row['keys']), 0)).toBe(report.differences);
  expect(rows.slice(0, 20).map((row) => row['lo'])).toEqual(report.differing.slice(0, rows.length));
  expect(rows[0]).toMatchObject({ keys: 1, origin: report.file, hash: 64 });
  const [first] = rows;
  const { held, found } = first as { held: Record<string, string>; found: Record<string, string> };
  expect(held['volume']).not.toBe(found['volume']);
  expect(held['price']).toBe(found['price']);
});

test('ids that neither has are explained as never published', async () => {
  const venue = await openVenue();
  const { source } = venue.exchange;
  const listing = `${symbol}#1`;
  const [first] = await venue.exchange.tradesFrom(symbol, 0, 1);
  const oldest = first?.tradeId ?? 0;
  expect(oldest).toBeGreaterThan(0);
  const day = new Date((first?.timestampUs ?? 0) / 1_000).toISOString().slice(0, 10);
  await venue.detect(symbol, '2024-03-04', '2024-03-05');
  await want(lake.database, [
    { table: 'market.trades', source, listing, day, lo: 0, hi: oldest + 10, rank: 1 },
  ]);
  const task = (await venue.missing(symbol)).find(({ period }) => period === day);
  if (task === undefined) throw new Error('nothing is missing');
  const report = await venue.bring(task);
  expect(report).toMatchObject({ explained: oldest, missing: 0 });
  const { rows } = await lake.database.query(
    'select lo, hi, cause from lake.explained where source = $1 and listing = $2',
    [source, listing],
  );
  expect(rows).toEqual([{ lo: 0, hi: oldest, cause: 'never_published' }]);
  expect((await venue.missing(symbol)).map(({ period }) => period)).toEqual(['2024-03-04']);
});

test('trades of a coin whose name went to another come from the archive alone, and never the other coin’s', async () => {
  const venue = await openVenue('2024-03-05T10:00:00Z');
  const { source } = venue.exchange;
  const discover = async () => {
    const { exchange } = venue;
    const rules = { ...defaultRules, top: 5 };
    const found = await discoverSymbols({ exchange, database: lake.database, rules, metrics: lake.metrics });
    return found.chosen.map(({ market }) => market.symbol);
  };
  const reused = (await discover()).at(-1) ?? '';
  const old = await venue.detect(reused, '2024-03-04', '2024-03-05');
  await venue.befall({ kind: 'delisting', symbol: reused, fromMs: Date.parse('2024-03-06T12:30:00Z') });
  await venue.befall({ kind: 'relisting', symbol: reused, fromMs: Date.parse('2024-03-09'), ids: 'restart' });
  await venue.goTo('2024-03-07T10:00:00Z');
  await discover();
  await venue.goTo('2024-03-09T00:20:00Z');
  await discover();
  const [task] = old;
  if (task === undefined) throw new Error('nothing was missing');
  expect(task.listing).toBe(`${reused}#1`);

  await venue.spoil({ kind: 'truncate', symbol: reused, of: 'trades', period: '2024-03-04', part: 0.5 });
  const report = await venue.bring(task);
  expect(report).toMatchObject({ fromRest: 0, missing: 0 });
  expect(report.fromArchive + report.explained).toBe(task.count);
  expect(report.explained).toBeGreaterThan(100);
  const { rows } = await query(
    lake.lake,
    `select distinct date::varchar as date from market.trades where source = '${source}'`,
    { spillDir: lake.spillDir },
  );
  expect(rows).toEqual([{ date: '2024-03-04' }]);
  const { rows: explained } = await lake.database.query(
    'select distinct listing, cause from lake.explained where source = $1',
    [source],
  );
  expect(explained).toEqual([{ listing: `${reused}#1`, cause: 'name_reused' }]);
});

test('where ids go on from one coin to the next, those of the other are explained and not taken', async () => {
  const venue = await openVenue('2024-03-05T10:00:00Z');
  const { source } = venue.exchange;
  const discover = () =>
    discoverSymbols({
      ...{ exchange: venue.exchange, database: lake.database, metrics: lake.metrics },
      rules: { ...defaultRules, top: 5 },
    });
  const reused = (await discover()).chosen.at(-1)?.market.symbol ?? '';
  await venue.befall({ kind: 'delisting', symbol: reused, fromMs: Date.parse('2024-03-06T12:30:00Z') });
  await venue.befall({
    ...{ kind: 'relisting', symbol: reused, fromMs: Date.parse('2024-03-09'), ids: 'continue' },
  });
  await venue.goTo('2024-03-07T10:00:00Z');
  await discover();
  await venue.goTo('2024-03-09T00:20:00Z');
  await discover();
  const [task] = await venue.detect(reused, '2024-03-09');
  if (task === undefined) throw new Error('nothing is missing');
  const { listing } = task;
  expect(listing).toBe(`${reused}#2`);
  const first = task.ranges[0]?.from ?? 0;
  expect(first).toBeGreaterThan(1_000);
  const report = await venue.bring({
    ...{ ...task, count: task.count + 50 },
    ranges: [{ from: first - 50, to: first + task.count }],
  });
  expect(report).toMatchObject({ fromRest: task.count, explained: 50, missing: 0 });
  const { rows } = await lake.database.query(
    'select listing, lo, hi, cause from lake.explained where source = $1',
    [source],
  );
  expect(rows).toEqual([{ listing, lo: first - 50, hi: first, cause: 'other_listing' }]);
});

test('between days that were asked for nothing is missing, until it is asked for as well', async () => {
  const venue = await openVenue();
  const { source } = venue.exchange;
  const bring = async (from: string, to: string): Promise<GapTask[]> => {
    const tasks = await venue.detect(symbol, from, to);
    for (const task of tasks) await venue.bring(task, { from: 'rest' });
    return tasks;
  };
  await bring('2024-03-04', '2024-03-05');
  await bring('2024-03-01', '2024-03-02');
  const listed = () => gaps(lake.lake, { source });
  expect(await listed()).toMatchObject([{ kind: 'explained', cause: 'not_requested' }]);
  // The day that is asked for now lies in what was not.
  const [between] = await bring('2024-03-03', '2024-03-04');
  expect(between?.period).toBe('2024-03-03');
  expect(await listed()).toMatchObject([
    { kind: 'explained', cause: 'not_requested', to: between?.ranges[0]?.from },
  ]);
  const [rest] = await venue.detect(symbol, '2024-03-02', '2024-03-03');
  expect(await listed()).toMatchObject([{ kind: 'missing', cause: null }]);
  expect(rest).toMatchObject({ period: '2024-03-02', count: rest?.count });
  if (rest !== undefined) await venue.bring(rest);
  expect(await listed()).toEqual([]);
});

test('the last commit tells who waits for it, in its own transaction', async () => {
  const venue = await openVenue();
  const task = await yesterday(venue);
  const told: unknown[] = [];
  const refuse = () => Promise.reject(new Error('fenced'));
  await expect(venue.bring(task, { finish: refuse, from: 'archive' })).rejects.toThrow('fenced');
  const { source } = venue.exchange;
  expect(await heldOf(lake, source, symbol)).toMatchObject({ rows: 0 });
  const report = await venue.bring(task, {
    ...{ from: 'rest', pieceTradesMax: 1_000 },
    async finish(tx, committed) {
      const { rows } = await tx.query(
        'select sum(hi - lo)::bigint as held from lake.coverage where source = $1',
        [source],
      );
      told.push(rows[0], committed);
    },
  });
  expect(told).toEqual([{ held: task.count }, report]);
});
