import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { barsCsv, day, minuteBars, put, serveFolder, type Interfere } from './support.ts';

let root: string;
let out: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'archive-'));
  out = join(root, 'out');
  await mkdir(join(root, 'data/spot'), { recursive: true });
  await mkdir(out);
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(root, { recursive: true });
});

const us = (text: string) => Date.parse(text) * 1000;
const labels = (files: readonly ArchiveFile[]) => files.map(({ label }) => label);

async function overHttp(interfere?: Interfere) {
  const metrics = new Metrics();
  const server = await serveFolder(root, interfere);
  closing.push(() => server.close());
  const http = { retryDelayMs: 1, idleMs: 500 };
  return { ...server, metrics, archive: await openArchive({ location: server.url, metrics, http }) };
}

const inFolder = async () => ({ archive: await openArchive({ location: root, metrics: new Metrics() }) });

describe.each([
  ['a folder', inFolder],
  ['HTTP', () => overHttp()],
])('an archive in %s', (_what, open) => {
  it('lists the fewest files that cover a span', async () => {
    const held = ['2024-02', '2024-03-01', '2024-03-02', '2024-03-04', '2024-04', '2024-04-01', '2024-05'];
    for (const label of [...held, '2024-02-29', '2024-02-28']) await put(root, day(label));
    const { archive } = await open();
    const list = async (from: string, to: string, granularity?: 'daily' | 'monthly') =>
      labels(
        await archive.list({
          ...{ ...minuteBars, fromUs: us(from), toUs: us(to) },
          ...(granularity === undefined ? {} : { granularity }),
        }),
      );
    expect(await list('2024-02-01', '2024-03-05')).toEqual([
      '2024-02',
      '2024-03-01',
      '2024-03-02',
      '2024-03-04',
    ]);
    expect(await list('2024-02-28T12:00:00Z', '2024-03-02')).toEqual([
      '2024-02-28',
      '2024-02-29',
      '2024-03-01',
    ]);
    expect(await list('2024-02-27', '2024-03-01')).toEqual(['2024-02']);
    expect(await list('2024-04-01', '2024-04-02')).toEqual(['2024-04-01']);
    expect(await list('2024-04-01', '2024-04-03')).toEqual(['2024-04']);
    expect(await list('2024-02-01', '2024-03-02', 'daily')).toEqual([
      '2024-02-28',
      '2024-02-29',
      '2024-03-01',
    ]);
    expect(await list('2024-02-29', '2024-05-01', 'monthly')).toEqual(['2024-02', '2024-04']);
    expect(await list('2023-01-01', '2023-03-01')).toEqual([]);
  });

  it('fetches a file, proven and unpacked, and leaves only the CSV', async () => {
    const file = day('2025-03-05');
    const csv = barsCsv(file.label, 1_440, 'us');
    const zip = await put(root, file, { csv });
    const { archive } = await open();
    const sha256 = createHash('sha256').update(zip).digest('hex');
    expect(await archive.publishedSha256(file)).toBe(sha256);
    const fetched = await archive.fetch(file, out);
    expect(fetched).toMatchObject({
      ...{ kind: 'klines', symbol: 'BTCUSDT', interval: '1m', granularity: 'daily' },
      period: { fromUs: us('2025-03-05'), toUs: us('2025-03-06') },
      ...{ rows: 1_440, hasHeader: false, timeUnit: 'us', sha256, zipBytes: zip.length },
    });
    expect(await readFile(fetched.csvPath, 'utf8')).toBe(csv);
    expect(await readdir(out)).toHaveLength(1);
    await fetched.remove();
    expect(await readdir(out)).toEqual([]);
  });

  it('has no file that it has not', async () => {
    const { archive } = await open();
    await expect(archive.fetch(day('2024-03-05'), out)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(archive.publishedSha256(day('2024-03-05'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await put(root, day('2024-03-05'), { checksum: null });
    await expect(archive.fetch(day('2024-03-05'), out)).rejects.toMatchObject({
      context: { damage: 'checksum-missing' },
    });
  });

  it('stops when it is told to', async () => {
    await put(root, day('2024-03-05'), { csv: barsCsv('2024-03-05', 20_000) });
    const { archive } = await open();
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(archive.fetch(day('2024-03-05'), out, stop)).rejects.toThrow('enough');
    expect(await readdir(out)).toEqual([]);
  });
});

it('a folder tells what it holds, and the time it spans', async () => {
  await put(root, day('2024-03-05'));
  await put(root, day('2024-03-07'));
  await put(root, day('2024-03', { kind: 'trades', symbol: 'ETHUSDT' }));
  const { archive } = await inFolder();
  expect(await archive.series()).toEqual([minuteBars, { kind: 'trades', symbol: 'ETHUSDT' }]);
  expect(labels(await archive.list(minuteBars))).toEqual(['2024-03-05', '2024-03-07']);
  expect(labels(await archive.list({ kind: 'trades', symbol: 'ETHUSDT' }))).toEqual(['2024-03']);
  expect(await archive.list({ kind: 'trades', symbol: 'SOLUSDT' })).toEqual([]);
});

it('a host does not tell what it holds: the span must be given', async () => {
  const { archive } = await overHttp();
  await expect(archive.series()).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(archive.list(minuteBars)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(archive.list({ kind: 'klines', symbol: 'A' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

describe('a host that fails', () => {
  const file = day('2024-03-05');
  beforeEach(() => put(root, file, { csv: barsCsv(file.label, 20_000) }));

  it('is asked again after 5xx, a lost connection and silence', async () => {
    const { archive, asked, metrics } = await overHttp((request, response, count) => {
      if (request.url?.endsWith('.CHECKSUM') === true) {
        if (count === 0) response.writeHead(503).end();
        return count === 0;
      }
      if (count === 0) response.writeHead(200, { 'content-length': '9999999' }).write('PK');
      if (count === 0) setTimeout(() => response.destroy(), 20);
      // The second time, nothing ever comes.
      if (count === 1) response.writeHead(200).flushHeaders();
      return count < 2;
    });
    const fetched = await archive.fetch(file, out);
    expect(fetched.rows).toBe(20_000);
    expect(asked.get(`GET /${file.path}`)).toBe(3);
    expect(await metrics.registry.metrics()).toContain('ticklake_archive_retries_total 3');
    await fetched.remove();
    expect(await readdir(out)).toEqual([]);
  });

  it('is given up after so many attempts', async () => {
    const { archive, asked } = await overHttp((_request, response) => response.writeHead(500).end() !== null);
    await expect(archive.fetch(file, out)).rejects.toMatchObject({ code: 'EXCHANGE_UNREACHABLE' });
    expect(asked.get(`GET /${file.path}.CHECKSUM`)).toBe(5);
    expect(await readdir(out)).toEqual([]);
  });

  it('is not asked again where it refuses', async () => {
    const { archive, asked } = await overHttp((_request, response) => response.writeHead(403).end() !== null);
    await expect(archive.publishedSha256(file)).rejects.toMatchObject({ code: 'EXCHANGE_REFUSED' });
    expect([...asked.values()]).toEqual([1]);
  });

  it('may replace a file between two requests: both are fetched once more', async () => {
    const { archive, asked } = await overHttp((request, response, count) => {
      const isStale = request.url?.endsWith('.CHECKSUM') === true && count === 0;
      if (isStale) response.writeHead(200).end(`${'0'.repeat(64)}  ${file.name}\n`);
      return isStale;
    });
    expect((await archive.fetch(file, out)).rows).toBe(20_000);
    expect(asked.get(`GET /${file.path}`)).toBe(2);
  });

  it('that holds a wrong checksum is found out, in two fetches', async () => {
    await put(root, file, { checksum: `${'0'.repeat(64)}  ${file.name}\n` });
    const { archive, asked } = await overHttp();
    await expect(archive.fetch(file, out)).rejects.toMatchObject({
      context: { damage: 'checksum-mismatch' },
    });
    expect(asked.get(`GET /${file.path}`)).toBe(2);
    expect(await readdir(out)).toEqual([]);
  });
});
