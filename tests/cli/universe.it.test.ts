import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { runCli } from './support.ts';

let dataDir: string;
let venue: TimedVenue;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
  venue = await openTimedVenue(6_200, '2024-03-05T10:00:00Z');
});
afterAll(async () => {
  await venue.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function ticklake(...argv: string[]): Promise<{ code: number; value: unknown }> {
  const env = { TICKLAKE_EXCHANGE_URL: venue.simulator.url, TICKLAKE_LOG_LEVEL: 'silent' };
  const { code, stdout } = await runCli([...argv, '--json', '--data-dir', dataDir], env);
  return { code, value: JSON.parse(stdout) };
}

test('discover, list, detect and list again', async () => {
  const dry = await ticklake('symbols', 'discover', '--top', '2', '--dry-run');
  expect(dry).toMatchObject({ code: 0, value: { dryRun: true } });
  expect(await ticklake('symbols', 'list')).toEqual({ code: 0, value: [] });
  const { value } = await ticklake('symbols', 'discover', '--top', '2');
  const { chosen } = value as { chosen: { symbol: string }[] };
  expect(chosen).toHaveLength(2);
  const listed = await ticklake('symbols', 'list', '--as-of', '2024-03-06');
  expect(listed.value).toMatchObject(chosen.map(({ symbol }) => ({ symbol, listingId: `${symbol}#1` })));
  expect(await ticklake('symbols', 'list', '--as-of', '2024-03-05')).toEqual({ code: 0, value: [] });

  const published = await ticklake('sql', 'select symbol from market.symbols order by "rank"');
  expect(published.value).toEqual(chosen.map(({ symbol }) => ({ symbol })));

  const window = ['--interval', '1d', '--from', '2024-03-01', '--to', '2024-03-04'];
  const gap = { table: 'market.klines', interval: '1d', kind: 'missing', cause: null };
  const span = { from: '2024-03-01T00:00:00.000Z', to: '2024-03-04T00:00:00.000Z' };
  const gaps = chosen.map(({ symbol }) => ({ symbol, ...gap, ...span }));
  expect(await ticklake('gaps', 'detect', ...window)).toMatchObject({ code: 0, value: gaps });
  expect((await ticklake('gaps', 'list', '--symbols', chosen[0]?.symbol ?? '')).value).toMatchObject([
    gaps[0],
  ]);
});

test.each([
  [['symbols', 'discover', '--top', '0']],
  [['symbols', 'list', '--as-of', 'yesterday']],
  [['gaps', 'list', '--interval', '7m']],
  [['gaps', 'detect', '--symbols', ',']],
])('%j is a usage error', async (argv) => {
  expect((await runCli(argv)).code).toBe(2);
});
