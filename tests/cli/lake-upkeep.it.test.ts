import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase } from '#core/platform/postgres/connect.ts';
import { barsCsv, day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { runCli } from './support.ts';

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function run(...argv: string[]) {
  const { code, stdout, stderr } = await runCli([...argv, '--json', '--data-dir', dataDir], {
    TICKLAKE_LOG_LEVEL: 'silent',
  });
  return { code, stderr, value: JSON.parse(stdout) as unknown };
}

async function ticklake(...argv: string[]): Promise<unknown> {
  const { code, stderr, value } = await run(...argv);
  expect(code, stderr).toBe(0);
  return value;
}

/** Minute bars of so many minutes of a day, from a folder laid out as the archive. */
async function load(date: string, minutes: number): Promise<void> {
  const folder = join(dataDir, `archive-${date}`);
  await put(folder, day(date), { csv: barsCsv(date, minutes) });
  await ticklake('klines', 'backfill', '--source', folder);
}

async function countBars(...options: string[]): Promise<unknown> {
  const answer = await ticklake('sql', 'select count(*)::integer as n from market.klines', ...options);
  return (answer as { n: number }[])[0]?.n;
}

test('a table is tagged, set back, expired, swept, and its ledger repaired', async () => {
  await load('2024-03-05', 60);
  expect(await ticklake('lake', 'tag', 'market.klines')).toEqual([]);
  const [tag] = (await ticklake('lake', 'tag', 'market.klines', 'first')) as { snapshotId: number }[];
  expect(tag).toMatchObject({ name: 'first' });
  expect(await run('lake', 'tag', 'market.klines', 'first')).toMatchObject({
    value: { error: { code: 'CONFLICT' } },
  });
  await load('2024-03-06', 40);
  expect(await countBars('--as-of', 'first')).toBe(60);

  const undone = { table: 'market.klines', to: tag?.snapshotId, snapshots: 1, removed: 40, restored: 0 };
  const rollback = ['lake', 'rollback', 'market.klines', '--to', 'first'];
  expect(await ticklake(...rollback, '--dry-run')).toMatchObject({ ...undone, dryRun: true });
  expect(await countBars()).toBe(100);
  expect(await ticklake(...rollback)).toMatchObject({ ...undone, dryRun: false });
  expect(await countBars()).toBe(60);
  expect(await ticklake('lake', 'verify', 'market.klines', '--deep')).toMatchObject([
    { ok: true, held: 60, inFiles: 60 },
  ]);

  // What was undone hangs on nothing but its age.
  const expire = ['lake', 'expire', 'market.klines', '--older-than', '0h', '--keep', '1'];
  const planned = await ticklake(...expire, '--dry-run');
  expect(planned).toMatchObject([{ table: 'market.klines' }]);
  expect(await ticklake('lake', 'snapshots', 'market.klines')).toHaveLength(2);
  expect(await ticklake(...expire)).toEqual(planned);
  expect(await ticklake('lake', 'snapshots', 'market.klines')).toHaveLength(1);
  const listed = await ticklake('lake', 'orphans', 'market.klines', '--older-than', '0h');
  expect(listed).not.toEqual([]);
  for (const orphan of listed as unknown[])
    expect(orphan).toMatchObject({ deleted: false, table: 'market.klines' });
  expect(await ticklake('lake', 'orphans', 'market.klines')).toEqual([]);

  expect(await ticklake('lake', 'verify', '--repair', 'market.klines')).toEqual([]);
  await forgetCoverage();
  expect(await run('lake', 'verify', 'market.klines')).toMatchObject({ code: 1, value: [{ ok: false }] });
  expect(await ticklake('lake', 'verify', '--repair', 'market.klines')).toMatchObject([
    { table: 'market.klines', listing: 'BTCUSDT#1', interval: '1m', change: 'held' },
  ]);
  expect(await ticklake('lake', 'verify', 'market.klines')).toMatchObject([{ ok: true, held: 60 }]);
  await load('2024-03-06', 40);
  expect(await countBars()).toBe(100);
});

/** As when the ledger and the files were parted. */
async function forgetCoverage(): Promise<void> {
  const connection = await connectDatabase(
    loadConfig({ env: { TICKLAKE_DATA_DIR: dataDir, TICKLAKE_LOG_LEVEL: 'silent' } }),
    'owner',
    {
      applicationName: 'test',
      logger: createLogger({ level: 'silent', name: 'test' }),
      metrics: new Metrics(),
    },
  );
  try {
    await connection.database.query("delete from lake.coverage where table_name = 'market.klines'");
  } finally {
    await connection.close();
  }
}

test.each([
  [['lake', 'rollback', 'market.klines']],
  [['lake', 'tag', 'market.klines', '--delete']],
  [['lake', 'verify', '--repair']],
  [['lake', 'expire', '--keep', '0']],
  [['lake', 'orphans', '--older-than', 'long']],
])('%j is a usage error', async (argv) => {
  expect((await runCli(argv)).code).toBe(2);
});
