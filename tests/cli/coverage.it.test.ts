import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putBars } from '#tests/support/bars.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { runCli } from './support.ts';

let ground: TestLake;

beforeAll(async () => {
  ground = await openTestLake();
});
afterAll(async () => {
  await ground.close();
});

const dayUs = 86_400_000_000;
const start = Date.parse('2024-03-01T00:00:00Z') * 1_000;

async function put(from: number, to: number, except: number[] = []): Promise<string> {
  const days = Array.from({ length: to - from }, (_, index) => from + index);
  const { snapshotId } = await putBars(ground, {
    ...{ source: 'binance', listing: 'BTCUSDT#1', interval: '1d' },
    bars: days
      .filter((day) => !except.includes(day))
      .map((day) => ({
        openUs: start + day * dayUs,
        ...{ open: '1', high: '1', low: '1', close: '1', volume: '1', quoteVolume: '1', trades: 1 },
      })),
  });
  return String(snapshotId);
}

async function coverage(...argv: string[]) {
  const env = {
    TICKLAKE_DATABASE_URL: ground.url,
    TICKLAKE_WAREHOUSE: join(ground.dir, 'warehouse'),
    TICKLAKE_LOG_LEVEL: 'silent',
  };
  const args = ['lake', 'coverage', ...argv, '--json', '--data-dir', ground.dir];
  const { code, stdout } = await runCli(args, env);
  return { code, value: JSON.parse(stdout) as Record<string, unknown>[] };
}

test('coverage by listing and by day, now and as of an earlier snapshot', async () => {
  const first = await put(0, 4, [1, 2]);
  await put(1, 2);
  expect(await coverage('market.klines')).toMatchObject({
    code: 0,
    value: [{ listing: 'BTCUSDT#1', interval: '1d', expected: 4, held: 3, missing: 1 }],
  });
  const then = await coverage('--as-of', first);
  expect(then.value).toMatchObject([{ expected: 4, held: 2, missing: 2 }]);
  const days = await coverage('--by', 'day', '--symbol', 'BTCUSDT', '--from', '2024-03-02');
  expect(days.value.map(({ day, held, missing }) => [day, held, missing])).toEqual([
    ['2024-03-02', 1, 0],
    ['2024-03-03', 0, 1],
    ['2024-03-04', 1, 0],
  ]);
});

test.each([
  [1, ['--as-of', 'no-such-tag']],
  [1, ['market.nothing']],
  [2, ['--by', 'week']],
])('exits with %i for %j', async (code, argv) => {
  expect((await coverage(...argv)).code).toBe(code);
});
