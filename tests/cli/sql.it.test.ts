import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barsCsv, day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { runCli } from './support.ts';

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-sql-'));
  await chmod(dataDir, 0o755);
  const folder = join(dataDir, 'archive');
  await put(folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', 60) });
  expect((await ticklake('klines', 'backfill', '--source', folder)).code).toBe(0);
});

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function ticklake(...argv: string[]) {
  return await runCli([...argv, '--data-dir', dataDir], { TICKLAKE_LOG_LEVEL: 'silent' });
}

test('SQL takes parameters, and text from a file', async () => {
  const text =
    '-- Bars.\n-- $from = 10: the first\nselect count(*)::integer as n from market.klines where minute(open_time) >= $from';
  await writeFile(join(dataDir, 'bars.sql'), text);
  const file = join(dataDir, 'bars.sql');
  const asked = async (...more: string[]) =>
    JSON.parse((await ticklake('sql', '--json', '--file', file, ...more)).stdout) as unknown;
  expect(await asked()).toEqual([{ n: 50 }]);
  expect(await asked('--param', 'from=58')).toEqual([{ n: 2 }]);
  const csv = await ticklake(
    'sql',
    'select $a as a, $b as b',
    '--param',
    "a='1'",
    '--param',
    'b=x,y',
    '--format',
    'csv',
  );
  expect(csv.stdout).toBe('a,b\n1,"x,y"\n');
  expect((await ticklake('sql', 'select 1', '--file', file)).code).toBe(2);
  expect((await ticklake('sql', 'select $a', '--param', 'a')).stderr).toContain('name=value');
});

test('the queries that come with it are listed, and run', async () => {
  const listed = JSON.parse((await ticklake('sql', '--list', '--json')).stdout) as { name: string }[];
  expect(listed.map(({ name }) => name)).toContain('missing-bars');
  expect((await ticklake('sql', '--list')).stdout).toContain('--param interval=1d  length of the bars');
  const ran = await ticklake('sql', '--file', 'missing-bars', '--param', 'interval=1m', '--json');
  expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, []]);
});

test('a query takes no longer than it may', async () => {
  const endless = 'select count(*) from range(1000000000000) t(i) where hash(i) % 7 = 3';
  const { code, stderr } = await ticklake('sql', endless, '--seconds', '1');
  expect([code, stderr]).toEqual([75, expect.stringContaining('stopped')]);
  expect((await ticklake('sql', endless, '--seconds', 'soon')).code).toBe(2);
});

test('an error shows the place, and what to do', async () => {
  const { code, stderr } = await ticklake('sql', 'select close from market.kline');
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /LINE 1: select close from market\.kline\n +\^\nIs it market\.klines that is meant\?\n/,
  );
});
