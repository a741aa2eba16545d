import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive, type Archive } from '#core/exchanges/binance/archive/archive.ts';
import { Metrics } from '#core/platform/metrics.ts';

const root = resolve(import.meta.dirname, '../../../../..');
const marketData = process.env['TICKLAKE_MARKET_DATA'] ?? resolve(root, '../shared/market-data');
const location = join(marketData, 'archive');

// Recorded data is not part of the project and nothing installs it: without it these are counted as skipped.
describe.skipIf(!existsSync(location))('the recorded archive', () => {
  let out: string;
  let archive: Archive;
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'recorded-'));
    archive = await openArchive({ location, metrics: new Metrics() });
  });
  afterAll(() => rm(out, { recursive: true }));

  /** Rows of every file of one kind by symbol, all of them proven by their checksums. */
  async function rowsBySymbol(kind: string, interval?: string): Promise<Map<string, number>> {
    const rows = new Map<string, number>();
    for (const series of await archive.series()) {
      if (series.kind !== kind || series.interval !== interval) continue;
      for (const file of await archive.list(series)) {
        const fetched = await archive.fetch(file, out);
        expect(fetched.hasHeader).toBe(false);
        expect(fetched.timeUnit).toBe(file.label < '2025' ? 'ms' : 'us');
        rows.set(file.symbol, (rows.get(file.symbol) ?? 0) + fetched.rows);
        await fetched.remove();
      }
    }
    return rows;
  }

  it('holds 49,519 daily bars of 26 markets', { timeout: 120_000 }, async () => {
    const rows = await rowsBySymbol('klines', '1d');
    expect(rows.size).toBe(26);
    expect(rows.get('BTCUSDT')).toBe((Date.parse('2025-07-01') - Date.parse('2018-01-01')) / 86_400_000);
    expect([...rows.values()].reduce((sum, count) => sum + count, 0)).toBe(49_519);
  });

  it('holds the trades whose ids are contiguous', async () => {
    expect(await rowsBySymbol('trades')).toEqual(
      new Map([
        ['BTCUSDT', 19_904],
        ['ETHUSDT', 14_515],
      ]),
    );
    for (const [symbol, count] of [
      ['BTCUSDT', 19_904],
      ['ETHUSDT', 14_515],
    ] as const) {
      const ids: number[] = [];
      for (const file of await archive.list({ kind: 'trades', symbol })) {
        const { csvPath, remove } = await archive.fetch(file, out);
        const lines = (await readFile(csvPath, 'utf8')).trimEnd().split('\n');
        ids.push(...lines.map((line) => Number(line.slice(0, line.indexOf(',')))));
        await remove();
      }
      expect(ids).toEqual(Array.from({ length: count }, (_, i) => (ids[0] ?? NaN) + i));
    }
  });

  it('holds minute bars, first and last days partial', async () => {
    const partial: string[] = [];
    for (const series of await archive.series()) {
      if (series.interval !== '1m') continue;
      for (const file of await archive.list(series)) {
        const fetched = await archive.fetch(file, out);
        if (fetched.rows !== 1_440) partial.push(file.name);
        await fetched.remove();
      }
    }
    expect(partial).toEqual([
      ...['BTCUSDT-1m-2021-05-15.zip', 'BTCUSDT-1m-2021-05-22.zip'],
      ...['BTCUSDT-1m-2025-10-29.zip', 'BTCUSDT-1m-2025-11-01.zip'],
      ...['ETHUSDT-1m-2025-10-29.zip', 'ETHUSDT-1m-2025-11-01.zip'],
    ]);
    expect(await readdir(out)).toEqual([]);
  });
});
