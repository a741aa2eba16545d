import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { runCli } from './support.ts';

let dir: string;
let venue: TimedVenue;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dir, 0o755);
  venue = await openTimedVenue(6_590, '2024-03-05T01:00:00Z', { symbols: 20 });
});
afterAll(async () => {
  await venue.close();
  await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

interface Report {
  tasks: number;
  rows: number;
  missing: number;
  plan: { day: string; missing: number }[];
  failures: { file: string; ids: unknown; unknown?: string }[];
}

async function ticklake(...argv: string[]): Promise<{ code: number; value: Report; stderr: string }> {
  const env = { TICKLAKE_EXCHANGE_URL: venue.simulator.url, TICKLAKE_LOG_LEVEL: 'silent' };
  const dataDir = join(dir, 'data');
  const { code, stdout, stderr } = await runCli([...argv, '--json', '--data-dir', dataDir], env);
  return { code, value: JSON.parse(stdout) as Report, stderr };
}

const backfill = (...argv: string[]) => ticklake('trades', 'backfill', ...argv);

test('of a venue: says what is missing, brings it, and then there is nothing to bring', async () => {
  const window = ['--symbols', 'BTCUPUSDT', '--from', '2024-03-03', '--to', '2024-03-06'];
  const dry = await backfill(...window, '--dry-run');
  expect(dry).toMatchObject({ code: 0, value: { tasks: 3, done: 0, rows: 0 } });
  expect(dry.value.plan.map((task) => task.day)).toEqual(['2024-03-05', '2024-03-04', '2024-03-03']);
  expect((await ticklake('gaps', 'list')).value).toEqual([]);

  const missing = dry.value.plan.reduce((sum, task) => sum + task.missing, 0);
  const { code, value } = await backfill(...window);
  expect(code).toBe(0);
  expect(value).toMatchObject({ tasks: 3, done: 3, failed: 0, unchanged: 0, missing: 0, explained: 0 });
  // Time goes on at the venue.
  expect(value.rows).toBeGreaterThanOrEqual(missing);
  expect(value).toMatchObject({ damaged: [], differing: 0, failures: [] });

  const whole = ['--symbols', 'BTCUPUSDT', '--from', '2024-03-03', '--to', '2024-03-05'];
  expect(await backfill(...whole)).toMatchObject({ code: 0, value: { tasks: 0, rows: 0, missing: 0 } });
  const verified = await ticklake('lake', 'verify', 'market.trades');
  expect(verified.code).toBe(0);
});

test('a task that only the archive may bring and that it has not, fails and is named', async () => {
  const today = ['--symbols', 'LINKUSDT', '--from', '2024-03-05', '--to', '2024-03-06'];
  const { code, value } = await backfill('--source', 'archive', ...today);
  expect(code).not.toBe(0);
  expect(value).toMatchObject({ tasks: 1, done: 0, failed: 1, failures: [{ code: 'NOT_FOUND' }] });
  expect(await backfill('--source', 'rest', ...today)).toMatchObject({
    code: 0,
    value: { tasks: 1, done: 1 },
  });
});

test('of a folder: a damaged day at the end is wanted where its ids are known, else it is said that they are not', async () => {
  const folder = join(dir, 'archive');
  const tape = { kind: 'trades', symbol: 'ETHUSDT' } as const;
  const csv = (label: string, fromId: number) =>
    Array.from({ length: 1_440 }, (_, i) => {
      const line = `${fromId + i},2.5,4,10,${Date.parse(label) + i * 60_000},${i % 2 === 0 ? 'true' : 'False'},true\n`;
      return line;
    }).join('');
  await put(folder, day('2024-03-05', tape), { csv: csv('2024-03-05', 2_440), checksum: 'nonsense' });
  await put(folder, day('2024-03-06', tape), { csv: csv('2024-03-06', 3_880) });
  await put(folder, day('2024-03-04', tape), { csv: csv('2024-03-04', 1_000) });
  await put(folder, day('2024-03-07', tape), { csv: csv('2024-03-07', 5_320), checksum: null });

  const dry = await backfill('--source', folder, '--dry-run');
  expect(dry).toMatchObject({ code: 0, value: { tasks: 4, rows: 0 } });
  const { code, value } = await backfill('--source', folder);
  expect(code).toBe(1);
  expect(value).toMatchObject({ tasks: 4, done: 2, failed: 2, rows: 2_880 });
  expect(value.failures).toMatchObject([
    { file: expect.stringContaining('2024-03-05') as string, ids: { from: 2_440, to: 3_880 } },
    { file: expect.stringContaining('2024-03-07') as string, ids: null },
  ]);
  expect(value.failures[1]?.unknown).toMatch(/nothing is held of the day after/);
  const gaps = (await ticklake('gaps', 'list', '--symbols', 'ETHUSDT')).value as unknown as object[];
  expect(gaps).toMatchObject([{ from: 2_440, to: 3_880, count: 1_440, kind: 'missing' }]);

  // The archive has replaced a file by one with another quantity.
  const replaced = csv('2024-03-06', 3_880).replace('3882,2.5,4', '3882,2.5,5');
  await put(folder, day('2024-03-06', tape), { csv: replaced });
  const again = await backfill('--source', folder, '--from', '2024-03-06', '--to', '2024-03-07');
  const differences = [{ symbol: 'ETHUSDT', tradeId: 3_882 }];
  expect(again.value).toMatchObject({ rows: 0, unchanged: 1, differing: 1, differences });
  expect((await ticklake('trades', 'differences')).value).toMatchObject([
    {
      ...{ listing: 'ETHUSDT#1', from: 3_882, to: 3_883, count: 1 },
      held: { volume: expect.stringMatching(/^4\.0+$/) as string },
      found: { volume: expect.stringMatching(/^5\.0+$/) as string },
    },
  ]);
});

test.each([[['trades', 'backfill', '--from', 'yesterday']], [['trades', 'backfill', '--symbols', ',']]])(
  '%j is a usage error',
  async (argv) => {
    expect((await runCli(argv)).code).toBe(2);
  },
);
