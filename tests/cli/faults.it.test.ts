import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { requires } from '#tests/support/require.ts';

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const canMount = await mountWorks();
let dataDir = '';

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

interface Ran {
  exitCode: number;
  stdout: string;
  lines: string[];
}

async function ticklake(args: string[], env: Record<string, string> = {}, dir = dataDir): Promise<Ran> {
  const {
    exitCode = -1,
    stdout,
    stderr,
  } = await execa(process.execPath, [command, '--data-dir', dir, ...args], {
    env,
    reject: false,
    timeout: 100_000,
    cwd: dataDir,
  });
  return { exitCode, stdout, lines: stderr.split('\n').filter((line) => line.trim() !== '') };
}

test('a port in use: one line, exit 75, and nothing was begun', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const address = busy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { exitCode, lines } = await ticklake(['up', '--port', String(port), '--for', '5s']);
  busy.close();
  expect(exitCode).toBe(75);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`${port}.*--port`));
  expect(await readdir(dataDir)).toEqual([]);
});

describe('a bad configuration: one line that names the key and what is allowed, exit 64, and nothing was begun', () => {
  const allowed = 'a whole number from 10 to 3600000';

  test.each([
    ['an unknown variable', { TICKLAKE_INGEST_BACH_MS: '5' }, 'TICKLAKE_INGEST_BACH_MS'],
    [
      'a bad variable',
      { TICKLAKE_INGEST_BATCH_MS: 'soon' },
      `TICKLAKE_INGEST_BATCH_MS is text of 4 characters, allowed is ${allowed}`,
    ],
  ])('%s', async (_what, env, said) => {
    await refused(await ticklake(['lake', 'tables'], env), said);
  });

  test.each([
    ['an unknown key', '{"ingestBachMs": 5}', 'ingestBachMs'],
    ['a bad value', '{"ingestBatchMs": 1.5}', `ingestBatchMs is the fraction 1.5, allowed is ${allowed}`],
    ['no JSON', '{"ingestBatchMs": ', 'ticklake.json cannot be read as JSON'],
  ])('a file with %s, found or named', async (_what, content, said) => {
    await writeFile(join(dataDir, 'ticklake.json'), content);
    await refused(await ticklake(['lake', 'tables']), said, ['ticklake.json']);
    await mkdir(join(dataDir, 'elsewhere'));
    const named = ['--config', join(dataDir, 'ticklake.json'), 'lake', 'tables'];
    await refused(await ticklake(named, {}, join(dataDir, 'elsewhere')), said, [
      'elsewhere',
      'ticklake.json',
    ]);
  });

  test('a file that is not there', async () => {
    await refused(await ticklake(['--config', 'none.json', 'lake', 'tables']), 'none.json');
  });

  test.each([
    ['--speed', 'quick', 'simulatorSpeed is text of 5 characters'],
    ['--symbols', 'btcusdt', 'symbols is a list of 1 with text of 7 characters'],
    ['--exchange', 'nyse', 'allowed is one of simulator, binance'],
    ['--port', '70000', 'apiPort is the number 70000, allowed is a whole number from 0 to 65535'],
  ])('the flag %s %s', async (flag, value, said) => {
    await refused(await ticklake(['up', flag, value, '--for', '5s']), new RegExp(said));
  });

  test('a data dir that is a file', async () => {
    const file = join(dataDir, 'file');
    await writeFile(file, '');
    await refused(await ticklake(['lake', 'tables'], {}, file), file, ['file']);
  });

  async function refused(ran: Ran, said: string | RegExp, left: string[] = []): Promise<void> {
    expect(ran.lines).toHaveLength(1);
    expect(ran.lines[0]).toMatch(said);
    expect(ran.exitCode).toBe(64);
    expect((await readdir(dataDir)).toSorted()).toEqual(left);
  }
});

describe('a database that cannot be used: one line with the remedy, and nothing was begun', () => {
  let server: Awaited<ReturnType<typeof startTestPostgres>>;

  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => await server?.close());

  test('it does not answer: exit 75, no password in the line', async () => {
    const url = 'postgresql://someone:hunter2@127.0.0.1:1/nowhere';
    const { exitCode, lines } = await ticklake(['lake', 'tables'], { TICKLAKE_DATABASE_URL: url });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('TICKLAKE_DATABASE_URL');
    expect(lines[0]).not.toContain('hunter2');
    expect(exitCode).toBe(75);
  });

  test('it is another program’s: exit 64, and it stays as it is', async () => {
    const url = await databaseWith(
      `create table ticklake_migrations (id serial primary key, name text not null, run_on timestamp not null);
       insert into ticklake_migrations (name, run_on) values ('0001_customers', now())`,
    );
    for (const args of [
      ['lake', 'tables'],
      ['run', 'ingest'],
      ['up', '--port', '0', '--for', '5s'],
    ]) {
      const { exitCode, lines } = await ticklake(args, { TICKLAKE_DATABASE_URL: url });
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/history that is not ticklake's\. Name an empty database/);
      expect(exitCode).toBe(64);
    }
    expect(await tablesOf(url)).toEqual(['ticklake_migrations']);
    const { stdout } = await ticklake(['--json', 'lake', 'tables'], { TICKLAKE_DATABASE_URL: url });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DATABASE_WRONG', retryable: false } });
  });

  test('its login is refused: exit 64, no password in the line', async () => {
    const url = new URL(server.url);
    url.password = 'hunter2';
    const { exitCode, lines } = await ticklake(['lake', 'tables'], { TICKLAKE_DATABASE_URL: url.href });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/refuses the login.*Check user, password and database/);
    expect(lines[0]).not.toContain('hunter2');
    expect(exitCode).toBe(64);
  });

  test('it is not named for this role: exit 64, and no embedded one is started instead', async () => {
    const { exitCode, lines } = await ticklake(['run', 'api'], { TICKLAKE_DATABASE_URL_INGEST: server.url });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Set TICKLAKE_DATABASE_URL_API or TICKLAKE_DATABASE_URL.');
    expect(exitCode).toBe(64);
    expect(await readdir(dataDir)).toEqual([]);
  });

  async function databaseWith(sql: string): Promise<string> {
    const url = new URL(server.url);
    await execute(url.href, 'create database customers');
    url.pathname = '/customers';
    await execute(url.href, sql);
    return url.href;
  }

  async function tablesOf(url: string): Promise<unknown[]> {
    const rows = await execute(
      url,
      `select relname from pg_class join pg_namespace n on n.oid = relnamespace
       where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')`,
    );
    return rows.map((row) => row['relname']);
  }
});

describe(
  'no disk space',
  requires(canMount, 'a small disk', 'Run the tests as root where tmpfs can be mounted.'),
  () => {
    let disk = '';

    beforeEach(async () => {
      disk = await mkdtemp(join(tmpdir(), 'ticklake-disk-'));
    });
    afterEach(async () => {
      await untilStopped(join(disk, 'data'));
      await execa('umount', [disk]);
      await rm(disk, { recursive: true });
    });

    test('for a new data dir: one line, exit 75, nothing half done, and more space is enough', async () => {
      await mountAt(disk, '3m');
      for (const args of [
        ['lake', 'tables'],
        ['up', '--port', '0', '--for', '5s'],
        ['run', 'ingest'],
      ]) {
        const { exitCode, lines } = await ticklake(args, {}, join(disk, 'data'));
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/no space left on device.*Free space/i);
        expect(exitCode).toBe(75);
      }
      const { stdout } = await ticklake(['--json', 'lake', 'tables'], {}, join(disk, 'data'));
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DISK_FULL', retryable: true } });
      const left = await readdir(join(disk, 'data'));
      expect(left.filter((name) => name.startsWith('postgres') && name !== 'postgres.json')).toEqual([]);
      await execa('mount', ['-o', 'remount,size=600m', disk]);
      const { exitCode, lines } = await ticklake(['lake', 'tables'], {}, join(disk, 'data'));
      expect(lines).toEqual([expect.stringContaining('the lake has no table')]);
      expect(exitCode).toBe(1);
    }, 120_000);

    test('not a byte of it', async () => {
      await mountAt(disk, '64k');
      await execa('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`], { reject: false });
      const { exitCode, lines } = await ticklake(['lake', 'tables'], {}, join(disk, 'data'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/no space left on device.*Free space/i);
      expect(exitCode).toBe(75);
    });

    test('for a data dir that has been used: one line, exit 75, and all is there with more space', async () => {
      await mountAt(disk, '600m');
      const dir = join(disk, 'data');
      const { exitCode: made } = await ticklake(
        ['up', '--port', '0', '--for', '3s', '--speed', '60'],
        {},
        dir,
      );
      expect(made).toBe(0);
      const before = await ticklake(['--json', 'lake', 'verify'], {}, dir);
      expect(before.exitCode).toBe(0);
      await untilStopped(dir);
      await execa('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k'], { reject: false });
      const { exitCode, lines } = await ticklake(['lake', 'tables'], {}, dir);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/no space left on device.*Free space/i);
      expect(exitCode).toBe(75);
      await rm(join(disk, 'filler'));
      const after = await ticklake(['--json', 'lake', 'verify'], {}, dir);
      expect(after.exitCode).toBe(0);
      expect(JSON.parse(after.stdout)).toEqual(JSON.parse(before.stdout));
    }, 120_000);
  },
);

/** Waits until no server and no keeper is left there. */
async function untilStopped(dir: string): Promise<void> {
  const users = async (): Promise<string> => (await execa('pgrep', ['-f', dir], { reject: false })).stdout;
  await expect.poll(users, { timeout: 30_000, interval: 200 }).toBe('');
}

async function mountAt(path: string, size: string): Promise<void> {
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
}

async function mountWorks(): Promise<boolean> {
  const place = await mkdtemp(join(tmpdir(), 'ticklake-mount-'));
  try {
    await mountAt(place, '64k');
    await execa('umount', [place]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(place, { recursive: true });
  }
}

async function execute(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
