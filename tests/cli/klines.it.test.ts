import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barsCsv, day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { runCli } from './support.ts';

const minutesOfDay = 1_440;
let dir: string;
let venue: TimedVenue;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dir, 0o755);
  venue = await openTimedVenue(6_300, '2024-03-12T10:00:00Z');
});
afterAll(async () => {
  await venue.close();
  await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

/** The simulated venue, by its own name or as if it were the exchange. */
async function ticklake(exchange: 'simulator' | 'binance', ...argv: string[]) {
  const { code, stdout, stderr } = await runCli([...argv, '--json', '--data-dir', join(dir, exchange)], {
    ...{ TICKLAKE_EXCHANGE: exchange, TICKLAKE_EXCHANGE_URL: venue.simulator.url },
    ...{ TICKLAKE_ARCHIVE: venue.simulator.url, TICKLAKE_LOG_LEVEL: 'silent' },
  });
  return { code, stderr, value: JSON.parse(stdout) as Record<string, unknown> };
}

test('brings what is missing of the universe, says so, and changes nothing a second time', async () => {
  expect(await ticklake('simulator', 'klines', 'backfill')).toMatchObject({
    code: 1,
    value: { error: { code: 'NOT_FOUND' } },
  });
  await ticklake('simulator', 'symbols', 'discover', '--top', '3');
  const command = ['klines', 'backfill', '--from', '2023-03-01'];
  const bars = 3 * (366 + 11);
  const dry = await ticklake('simulator', ...command, '--dry-run');
  const plan = [{ tasks: 6, bars, cost: 6 }];
  expect(dry).toMatchObject({ code: 0, value: { tasks: 6, done: 0, wanted: bars, missing: bars, plan } });
  const brought = {
    tasks: 6,
    done: 6,
    failed: 0,
    rows: bars,
    filled: 0,
    unchanged: 0,
    missing: 0,
    answers: 3,
  };
  expect(await ticklake('simulator', ...command)).toMatchObject({ code: 0, value: brought });
  const again = { tasks: 0, done: 0, failed: 0, rows: 0, missing: 0 };
  expect(await ticklake('simulator', ...command)).toMatchObject({ code: 0, value: again });
  const minutes = ['--interval', '1m', '--from', '2024-03-10', '--to', '2024-03-12', '--source', 'archive'];
  expect(await ticklake('simulator', 'klines', 'backfill', ...minutes)).toMatchObject({
    ...{ code: 0, value: { tasks: 3, rows: 6 * minutesOfDay, files: 6, answers: 0, missing: 0 } },
  });
});

test('of a folder, what damaged files would have held is missing until REST brings it', async () => {
  const folder = join(dir, 'folder');
  await put(folder, day('2024-03-04'), { zip: Buffer.from('PK, and no more') });
  await put(folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', minutesOfDay) });
  await put(folder, day('2024-03-06'), { checksum: `${'0'.repeat(64)}  ${day('2024-03-06').name}\n` });
  const load = ['klines', 'backfill', '--source', folder];
  const loaded = { tasks: 3, done: 1, failed: 2, rows: minutesOfDay, filled: 0 };
  const ran = await ticklake('binance', ...load);
  expect(ran).toMatchObject({ code: 1, value: loaded });
  expect(ran.stderr).toMatch(/2024-03-04\.zip/);
  const gap = { symbol: 'BTCUSDT', interval: '1m', kind: 'missing', count: minutesOfDay };
  expect((await ticklake('binance', 'gaps', 'list')).value).toMatchObject([
    { ...gap, from: '2024-03-04T00:00:00.000Z', to: '2024-03-05T00:00:00.000Z' },
    { ...gap, from: '2024-03-06T00:00:00.000Z', to: '2024-03-07T00:00:00.000Z' },
  ]);
  const repaired = { tasks: 1, done: 1, rows: 2 * minutesOfDay, filled: 0, missing: 0 };
  expect(await ticklake('binance', 'klines', 'backfill', '--source', 'rest')).toMatchObject({
    ...{ code: 0, value: repaired },
  });
  expect((await ticklake('binance', 'gaps', 'list')).value).toEqual([]);
});

test.each([
  [['klines', 'backfill', '--interval', '7m']],
  [['klines', 'backfill', '--from', 'yesterday']],
  [['klines', 'backfill', '--symbols', ',']],
])('%j is a usage error', async (argv) => {
  expect((await runCli(argv)).code).toBe(2);
});
