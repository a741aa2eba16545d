import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive, type Archive, type FetchedArchive } from '#core/exchanges/binance/archive/archive.ts';
import { fileOf, type ArchiveFile, type ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';
import type { SimulatorOptions } from '#core/exchanges/simulator/server.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openSimulator, type Opened } from './support.ts';

const bars: ArchiveSeries = { kind: 'klines', symbol: 'BTCUPUSDT', interval: '1m' };
const trades: ArchiveSeries = { kind: 'trades', symbol: 'BTCUPUSDT' };
const aggTrades: ArchiveSeries = { kind: 'aggTrades', symbol: 'BTCUPUSDT' };
const us = (text: string) => Date.parse(text) * 1000;

let folder: string;
const opened: Opened[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulated-archive-'));
});
afterAll(async () => {
  for (const simulator of opened) await simulator.close();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<SimulatorOptions> = {}) {
  const simulator = await openSimulator({ weightLimitPerMinute: 1_000_000, ...options });
  opened.push(simulator);
  const archive = await openArchive({
    ...{ location: simulator.url, metrics: new Metrics() },
    http: { maxRetries: 0 },
  });
  const fault = async (body?: Record<string, unknown>) => {
    const response = await fetch(`${simulator.url}/simulator/archive`, {
      ...{ method: body === undefined ? 'DELETE' : 'POST' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  return { simulator, archive, fault };
}

function file(series: ArchiveSeries, label: string): ArchiveFile {
  const found = fileOf(series, label.length === 7 ? 'monthly' : 'daily', label);
  if (found === undefined) throw new RangeError(`${label} is no day or month`);
  return found;
}

/** The rows of a file, and what was found out about it. */
async function read(
  archive: Archive,
  of: ArchiveFile,
): Promise<{ rows: string[][]; fetched: FetchedArchive }> {
  const fetched = await archive.fetch(of, folder);
  const text = await readFile(fetched.csvPath, 'utf8');
  await fetched.remove();
  return {
    fetched,
    rows: text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(',')),
  };
}

type Row = (string | number)[];

async function restKlines({ simulator }: { simulator: Opened }, from: string, count: number): Promise<Row[]> {
  const path = `/api/v3/klines?symbol=BTCUPUSDT&interval=1m&startTime=${Date.parse(from)}`;
  const rows: Row[] = [];
  while (rows.length < count) {
    const next = rows.length === 0 ? path : path.replace(/\d+$/, String(Number(rows.at(-1)?.[0]) + 60_000));
    const { body } = await simulator.get(`${next}&limit=${Math.min(1_000, count - rows.length)}`);
    rows.push(...(body as Row[]));
  }
  return rows;
}

async function restTrades({ simulator }: { simulator: Opened }, fromId: number, count: number) {
  const rows: Record<string, string | number | boolean>[] = [];
  while (rows.length < count) {
    const from = fromId + rows.length;
    const limit = Math.min(1_000, count - rows.length);
    const path = `/api/v3/historicalTrades?symbol=BTCUPUSDT&fromId=${from}&limit=${limit}`;
    rows.push(...((await simulator.get(path)).body as typeof rows));
  }
  return rows;
}

describe('the archive', () => {
  let venue: Awaited<ReturnType<typeof open>>;
  let archive: Archive;
  beforeAll(async () => {
    venue = await open();
    ({ archive } = venue);
  });

  it('has the bars that REST has, column for column', async () => {
    const { rows, fetched } = await read(archive, file(bars, '2024-03-04'));
    expect(fetched).toMatchObject({ rows: 1_440, hasHeader: false, timeUnit: 'ms' });
    expect(rows).toEqual((await restKlines(venue, '2024-03-04', 1_440)).map((row) => row.map(String)));
  });

  it('has the trades that REST has, column for column', async () => {
    const { rows } = await read(archive, file(trades, '2024-03-04'));
    const rest = await restTrades(venue, Number(rows[0]?.[0]), rows.length);
    const truth = (value: unknown) => (value === true ? 'True' : 'False');
    expect(rows).toEqual(
      rest.map((row) => [
        ...[row['id'], row['price'], row['qty'], row['quoteQty'], row['time']].map(String),
        ...[truth(row['isBuyerMaker']), truth(row['isBestMatch'])],
      ]),
    );
    const times = rows.map((row) => Number(row[4]));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(Date.parse('2024-03-04'));
    expect(Math.max(...times)).toBeLessThan(Date.parse('2024-03-05'));
    const [before] = await restTrades(venue, Number(rows[0]?.[0]) - 1, 1);
    expect(before?.['time']).toBeLessThan(Date.parse('2024-03-04'));
    const agg = await read(archive, file(aggTrades, '2024-03-04'));
    expect(agg.rows.map((row) => [row[0], row[1], row[2], row[3], row[4], row[5], row[6]])).toEqual(
      rows.map(([id, price, quantity, , time, maker]) => [id, price, quantity, id, id, time, maker]),
    );
  });

  it('has months that are their days, one after the other', async () => {
    const month = await read(archive, file(bars, '2024-02'));
    expect(month.rows).toHaveLength(29 * 1_440);
    const days = await archive.list({
      ...bars,
      fromUs: us('2024-02-01'),
      toUs: us('2024-03-01'),
      granularity: 'daily',
    });
    expect(days).toHaveLength(29);
    const joined = await Promise.all(days.map(async (day) => (await read(archive, day)).rows));
    expect(joined.flat()).toEqual(month.rows);
    const all = await read(archive, file(trades, '2024-02'));
    const tradeDays = await Promise.all(days.map(({ label }) => read(archive, file(trades, label))));
    expect(tradeDays.flatMap(({ rows }) => rows)).toEqual(all.rows);
  });

  it('has daily bars by the month, from the listing on', async () => {
    const daily: ArchiveSeries = { kind: 'klines', symbol: 'BTCUPUSDT', interval: '1d' };
    const files = await archive.list({ ...daily, fromUs: us('2020-01-01'), toUs: us('2024-03-06') });
    expect(files.map(({ label }) => label).slice(0, 2)).toEqual(['2020-05', '2020-06']);
    expect(files.slice(-5).map(({ label }) => label)).toEqual([
      ...['2024-02', '2024-03-01', '2024-03-02', '2024-03-03', '2024-03-04'],
    ]);
    const [first] = files;
    const { rows } = await read(archive, first ?? file(daily, '2020-05'));
    expect(rows[0]?.[0]).toBe(String(Date.parse('2020-05-15')));
    expect(rows).toHaveLength(17);
  });

  it('gives the same bytes each time, also in another run', async () => {
    const again = await open();
    for (const of of [file(bars, '2024-02'), file(trades, '2024-03-04')]) {
      const sha256 = await archive.publishedSha256(of);
      expect(await again.archive.publishedSha256(of)).toBe(sha256);
      await again.fault({ kind: 'header', symbol: 'BTCUSDT', period: '2024-02' });
      expect(await again.archive.publishedSha256(of)).toBe(sha256);
    }
  });

  it.each([
    ['the running day', bars, '2024-03-05'],
    ['the running month', bars, '2024-03'],
    ['a day before the listing', trades, '2020-05-14'],
    ['a market that is none', { ...bars, symbol: 'NOSUCH' }, '2024-03-04'],
    ['an interval that is none', { ...bars, interval: '7m' }, '2024-03-04'],
  ])('does not have %s', async (_what, series, label) => {
    const { period, granularity } = file(series, label);
    expect(await archive.list({ ...series, ...period, granularity })).toEqual([]);
    await expect(archive.fetch(file(series, label), folder)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('publishes a month on the first Monday after it', async () => {
    const month = file({ ...bars, interval: '1d' }, '2024-02');
    const sunday = await open({ startTimeUs: us('2024-03-03T23:00:00Z') });
    await expect(sunday.archive.publishedSha256(month)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const monday = await open({ startTimeUs: us('2024-03-04T00:00:01Z') });
    expect(await monday.archive.publishedSha256(month)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('writes microseconds from 2025 on', async () => {
    const late = await open({ startTimeUs: us('2025-01-02T00:00:01Z') });
    expect((await read(late.archive, file(bars, '2024-12-31'))).fetched.timeUnit).toBe('ms');
    const { fetched, rows } = await read(late.archive, file(bars, '2025-01-01'));
    expect(fetched).toMatchObject({ timeUnit: 'us', rows: 1_440 });
    expect([rows[0]?.[0], rows[0]?.[6]]).toEqual(['1735689600000000', '1735689659999999']);
    const times = (await read(late.archive, file(trades, '2025-01-01'))).rows.map((row) => row[4]);
    expect(times.every((time) => /^\d{13}000$/.test(time ?? ''))).toBe(true);
  });
});

it('a day with an outage, a market’s end and a name used again are in the archive as in REST', async () => {
  const start = us('2024-03-04T12:00:00Z');
  const clockFile = join(folder, 'lived.clock.json');
  const before = await open({ startTimeUs: start, clockFile });
  for (const incident of [
    { kind: 'outage', minutes: 120 },
    { kind: 'delisting', symbol: 'BTCUPUSDT', fromMs: Date.parse('2024-03-04T18:00:00Z') },
    { kind: 'relisting', symbol: 'BTCUPUSDT', fromMs: Date.parse('2024-03-06') },
  ]) {
    const body = JSON.stringify(incident);
    const response = await fetch(`${before.simulator.url}/simulator/incidents`, { method: 'POST', body });
    expect(response.status, await response.text()).toBe(200);
  }
  await before.simulator.close();
  await rm(clockFile);
  const after = await open({ startTimeUs: us('2024-03-07T12:00:00Z'), clockFile });
  const { rows } = await read(after.archive, file(bars, '2024-03-04'));
  expect(rows).toHaveLength(18 * 60 - 120);
  const rest = await restKlines(after, '2024-03-04', rows.length);
  expect(rows).toEqual(rest.map((row) => row.map(String)));
  const listed = await labelsOfTrades(after.archive);
  expect(listed).toEqual(['2024-03-04', '2024-03-06']);
  const old = await read(after.archive, file(trades, '2024-03-04'));
  const renewed = await read(after.archive, file(trades, '2024-03-06'));
  expect(Number(old.rows[0]?.[0])).toBeGreaterThan(1_000);
  expect(renewed.rows.map(([id]) => Number(id))).toEqual(renewed.rows.map((_, i) => i + 1));
});

async function labelsOfTrades(archive: Archive): Promise<string[]> {
  const files = await archive.list({ ...trades, fromUs: us('2024-03-04'), toUs: us('2024-03-07') });
  return files.map(({ label }) => label);
}

describe('on demand', () => {
  const day = { symbol: 'BTCUPUSDT', period: '2024-03-04' };
  const venue = async () => {
    const running = await open();
    const whole = await read(running.archive, file(bars, '2024-03-04'));
    return { ...running, whole };
  };

  it('a day is missing, its month has it', async () => {
    const { archive, fault } = await venue();
    await fault({ kind: 'missing', symbol: 'BTCUPUSDT', period: '2024-02-10' });
    await expect(archive.fetch(file(bars, '2024-02-10'), folder)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(archive.fetch(file(trades, '2024-02-10'), folder)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect((await read(archive, file(bars, '2024-02'))).rows).toHaveLength(29 * 1_440);
    expect((await fault()).status).toBe(200);
    expect((await read(archive, file(bars, '2024-02-10'))).rows).toHaveLength(1_440);
  });

  it('a day is in no file, or its last hours are not', async () => {
    const { archive, fault } = await venue();
    await fault({ kind: 'drop', symbol: 'BTCUPUSDT', of: 'klines', period: '2024-02-10' });
    await fault({ kind: 'truncate', symbol: 'BTCUPUSDT', interval: '1m', period: '2024-02-20', part: 0.25 });
    await expect(archive.fetch(file(bars, '2024-02-10'), folder)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect((await read(archive, file(bars, '2024-02-20'))).rows).toHaveLength(360);
    const month = await read(archive, file(bars, '2024-02'));
    expect(month.rows).toHaveLength(27 * 1_440 + 360);
    const labels = new Set(month.rows.map(([time]) => new Date(Number(time)).toISOString().slice(0, 10)));
    expect(labels.has('2024-02-10')).toBe(false);
    expect((await read(archive, file(trades, '2024-02-10'))).rows.length).toBeGreaterThan(100);
  });

  it('a checksum is wrong', async () => {
    const { archive, fault } = await venue();
    await fault({ kind: 'checksum', ...day });
    await expect(archive.fetch(file(bars, '2024-03-04'), folder)).rejects.toMatchObject({
      context: { damage: 'checksum-mismatch' },
    });
    expect(await readdir(folder)).not.toContain('BTCUPUSDT-1m-2024-03-04.csv');
  });

  it('a file is replaced, and again', async () => {
    const { archive, fault, whole, simulator } = await venue();
    const seen = [whole];
    for (let i = 0; i < 2; i++) {
      await fault({ kind: 'replace', of: 'klines', ...day });
      seen.push(await read(archive, file(bars, '2024-03-04')));
    }
    expect(new Set(seen.map(({ fetched }) => fetched.sha256)).size).toBe(3);
    const [first, second] = seen.map(({ rows }) => rows);
    const changed = first?.filter((row, i) => row[5] !== second?.[i]?.[5]) ?? [];
    expect(changed).toHaveLength(Math.ceil(1_440 / 97));
    expect(first?.map((row) => row.toSpliced(5, 1))).toEqual(second?.map((row) => row.toSpliced(5, 1)));
    const rest = await restKlines({ simulator }, '2024-03-04', 1_440);
    expect(first).toEqual(rest.map((row) => row.map(String)));
    await fault();
    expect((await read(archive, file(bars, '2024-03-04'))).fetched.sha256).toBe(whole.fetched.sha256);
  });

  it('a file has a header', async () => {
    const { archive, fault, whole } = await venue();
    await fault({ kind: 'header', ...day });
    const { fetched, rows } = await read(archive, file(bars, '2024-03-04'));
    expect(fetched).toMatchObject({ hasHeader: true, rows: 1_440 });
    expect(rows.slice(1)).toEqual(whole.rows);
    expect(rows[0]?.[0]).toBe('open_time');
  });

  it('what is wrong is kept for the next run, and told', async () => {
    const clockFile = join(folder, 'faults.clock.json');
    const first = await open({ clockFile });
    await first.fault({ kind: 'missing', ...day });
    await first.simulator.close();
    const second = await open({ clockFile });
    expect((await second.simulator.get('/simulator/archive')).body).toEqual({
      faults: [{ kind: 'missing', ...day }],
    });
    await expect(second.archive.publishedSha256(file(bars, '2024-03-04'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it.each([
    [{ kind: 'flood', ...day }, 'kind'],
    [{ kind: 'missing', ...day, period: '2024-02-30' }, 'neither a day nor a month'],
    [{ kind: 'missing', period: '2024-02' }, 'symbol'],
    [{ kind: 'truncate', ...day, part: 2 }, 'part'],
  ])('%j is refused', async (body, why) => {
    const { fault } = await open();
    const { status, text } = await fault(body);
    expect(status).toBe(400);
    expect(text).toContain(why);
  });
});
