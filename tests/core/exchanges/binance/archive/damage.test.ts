import { mkdir, mkdtemp, readdir, rm, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openArchive, type OpenArchiveOptions } from '#core/exchanges/binance/archive/archive.ts';
import type { Damage } from '#core/exchanges/binance/archive/damage.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { barsCsv, day, put, sha256, zipOf, type PutOptions } from './support.ts';

let root: string;
let out: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'archive-'));
  out = join(root, 'out');
  await mkdir(join(root, 'data/spot'), { recursive: true });
  await mkdir(out);
});
afterEach(() => rm(root, { recursive: true }));

const file = day('2024-03-05');
const csvName = 'BTCUSDT-1m-2024-03-05.csv';
const header =
  'open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n';
const row = (time: string | number) => `${time},1,1,1,1,1,${time},1,1,1,1,0\n`;

async function fetchIt(options: Partial<OpenArchiveOptions> = {}) {
  const archive = await openArchive({ location: root, metrics: new Metrics(), ...options });
  return await archive.fetch(file, out);
}

/** The error of fetching, which must leave nothing behind. */
async function refused(what: PutOptions, options?: Partial<OpenArchiveOptions>) {
  await put(root, file, what);
  const error = await fetchIt(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(await readdir(out)).toEqual([]);
  return error;
}

const damagedBy = (damage: Damage, message: string | RegExp) => ({
  code: 'DATA_CORRUPT',
  message: expect.stringMatching(message) as string,
  remedy: expect.stringMatching(/\w/) as string,
  context: expect.objectContaining({ damage }) as object,
});

describe('a checksum', () => {
  const digest = 'a'.repeat(64);
  it.each<[string, string | null, Damage, RegExp]>([
    ['that is missing', null, 'checksum-missing', /03-05\.zip\.CHECKSUM: is not there/],
    ['that is empty', '', 'checksum-format', /not one line/],
    ['that is a web page', '<html>\n<body>', 'checksum-format', /not one line.*<html>/],
    ['without a name', `${digest}\n`, 'checksum-format', /not one line/],
    ['too short', `abc  ${file.name}\n`, 'checksum-format', /not one line/],
    ['of two files', `${digest}  a\n${digest}  ${file.name}\n`, 'checksum-format', /not one line/],
    ['that is endless', 'x'.repeat(10_000), 'checksum-format', /10000 bytes/],
    [
      'of another file',
      `${digest}  BTCUSDT-1m-2024-03-06.zip\n`,
      'checksum-name',
      /names BTCUSDT-1m-2024-03-06\.zip/,
    ],
    [
      'of other bytes',
      `${digest}  ${file.name}\n`,
      'checksum-mismatch',
      /hashes to [0-9a-f]{64}, .* says aaaa/,
    ],
  ])('%s', async (_what, checksum, damage, message) => {
    expect(await refused({ checksum })).toMatchObject(damagedBy(damage, message));
  });

  it.each([
    ['in capitals, with a star', (hex: string) => `${hex.toUpperCase()} *${file.name}`],
    ['with a path and a carriage return', (hex: string) => `${hex}  ./data/spot/${file.name}\r\n`],
  ])('%s is understood', async (_what, write) => {
    const zip = await zipOf({ [csvName]: row(1_709_596_800_000) });
    await put(root, file, { zip, checksum: write(sha256(zip)) });
    expect((await fetchIt()).sha256).toBe(sha256(zip));
  });
});

describe('a zip', () => {
  it.each<[string, () => Promise<Uint8Array>, Damage, RegExp]>([
    ['that is a web page', () => Promise.resolve(Buffer.from('<html>gone')), 'not-a-zip', /"<html>gone/],
    ['without a byte', () => Promise.resolve(Buffer.alloc(0)), 'zip-truncated', /empty file/],
    [
      'whose end is missing',
      async () => (await zipOf({ [csvName]: barsCsv('2024-03-05', 500) })).subarray(0, -100),
      'zip-truncated',
      /ends too early/,
    ],
    ['without entries', () => zipOf({}), 'zip-entries', /holds no file/],
    [
      'with two entries',
      () => zipOf({ [csvName]: row(1_709_596_800_000), 'b.csv': 'x' }),
      'zip-entries',
      /holds 2 files \(BTCUSDT-1m-2024-03-05\.csv, b\.csv/,
    ],
    [
      'with something else',
      () => zipOf({ 'readme.txt': 'x' }),
      'zip-entries',
      /readme\.txt: is no plain CSV/,
    ],
    [
      'whose bytes were changed',
      async () => {
        const zip = await zipOf({ [csvName]: barsCsv('2024-03-05', 500) });
        return zip.fill(0xff, 200, 400);
      },
      'zip-unreadable',
      /2024-03-05\.zip: /,
    ],
  ])('%s', async (_what, make, damage, message) => {
    expect(await refused({ zip: await make() })).toMatchObject(damagedBy(damage, message));
  });

  it('larger than allowed, packed or unpacked', async () => {
    const csv = barsCsv('2024-03-05', 100);
    expect(await refused({ csv }, { maxZipBytes: 100 })).toMatchObject(
      damagedBy('too-large', /allowed are 100/),
    );
    expect(await refused({ csv }, { maxCsvBytes: 100 })).toMatchObject(
      damagedBy('too-large', /allowed are 100/),
    );
  });
});

describe('a CSV', () => {
  const good = row(1_709_596_800_000);
  it.each<[string, string, Damage, RegExp]>([
    ['without a byte', '', 'csv-empty', /05\.csv: is empty/],
    ['with nothing but a header', header, 'csv-empty', /a header and no rows/],
    [
      'with too few columns',
      `${good}1709596860000,1,1\n`,
      'csv-columns',
      /line 2: has 3 columns, klines have 12/,
    ],
    ['with too many columns', `${good}${good.trim()},7\n`, 'csv-columns', /line 2: has 13 columns/],
    ['cut off in its last line', good + good.slice(0, 15), 'csv-columns', /line 2: has 2 columns/],
    ['of another kind', '1,2.5,3,7.5,1709596800000,True,True\n', 'csv-columns', /line 1: has 7 columns/],
    ['with an empty line inside', `${good}\n${good}`, 'csv-columns', /line 2: the line is empty/],
    ['with a second header', good + header + good, 'csv-columns', /line 2: does not begin with a number/],
    ['with a byte-order mark', `\uFEFF${good}`, 'csv-columns', /line 1: begins with neither/],
    ['with quotation marks', good + good.replace(',1,', ',"1",'), 'csv-columns', /quotation marks/],
    ['with times that are none', row('17'), 'csv-time', /line 1: '17' is no time/],
    ['with times of two units', good + row(1_709_596_860_000_000), 'csv-time', /another unit/],
  ])('%s', async (_what, csv, damage, message) => {
    expect(await refused({ csv })).toMatchObject(damagedBy(damage, message));
  });

  it.each([
    ['milliseconds', row(1_709_596_800_000), { rows: 1, hasHeader: false, timeUnit: 'ms' }],
    ['microseconds', row(1_709_596_800_000_000), { rows: 1, hasHeader: false, timeUnit: 'us' }],
    ['a header', header + good + good, { rows: 2, hasHeader: true, timeUnit: 'ms' }],
    ['no newline at its end', (good + good).trim(), { rows: 2, hasHeader: false, timeUnit: 'ms' }],
    [
      'carriage returns',
      header.replace('\n', '\r\n') + good.replace('\n', '\r\n'),
      { rows: 1, hasHeader: true },
    ],
    ['empty lines at its end', `${good}\n\n`, { rows: 1, hasHeader: false }],
  ])('with %s is told', async (_what, csv, facts) => {
    await put(root, file, { csv });
    const fetched = await fetchIt();
    // Whatever ends its lines, readers get newlines.
    const text = csv.replaceAll('\r', '');
    expect(fetched).toMatchObject({ ...facts, bytes: Buffer.byteLength(text) });
    expect(await readFile(fetched.csvPath, 'utf8')).toBe(text);
  });
});

it('a file that is not there is NOT_FOUND, as is a folder that holds no archive', async () => {
  await expect(fetchIt()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(openArchive({ location: out, metrics: new Metrics() })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('data/spot') as string,
  });
});

it('a large CSV is looked at whole, over all its chunks', async () => {
  const csv = barsCsv('2024-03-05', 40_000);
  await put(root, file, { csv });
  const fetched = await fetchIt();
  expect(fetched).toMatchObject({ rows: 40_000, bytes: csv.length });
  await fetched.remove();
  expect(await readdir(out)).toEqual([]);
  const bad = csv.slice(0, -2_000_000) + csv.slice(-1_999_990);
  expect(await refused({ csv: bad })).toMatchObject(damagedBy('csv-columns', /line \d{4,5}: /));
});
