import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query, type QueryOptions } from '#core/lake/engine.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { localPath } from '#core/lake/object-store.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { trades } from '#core/lake/tables.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { knowSymbols, openTestLake, tradeRecords, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;
let secret: string;
let files: string[];
const source = 'venue';
const refused = { code: 'QUERY_INVALID' };

beforeAll(async () => {
  lake = await openTestLake();
  await knowSymbols(lake.database, source, ['BTCUSDT']);
  const consumer = await lake.startConsumer();
  for (const from of [0, 1_000]) {
    await lake.log.append(tradesTopic, tradeRecords(source, 'BTCUSDT', from, from + 1_000));
    await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
  }
  await consumer.close();
  secret = join(lake.dir, 'secret.csv');
  await writeFile(secret, 'word\nsesame\n');
  files = (await currentFiles(lake.lake, trades)).files;
});

afterAll(async () => {
  await lake.close();
});

async function ask(sql: string, options: Partial<QueryOptions> = {}) {
  return await query(lake.lake, sql, { spillDir: lake.spillDir, ...options });
}

describe('a query', () => {
  test('reads the newest snapshot, or the one it names', async () => {
    const sql = 'select count(*) as n, max(trade_id) as last from market.trades';
    expect((await ask(sql)).rows).toEqual([{ n: '2000', last: '1999' }]);
    const oldest = (await listSnapshots(lake.lake, trades)).at(-1);
    const snapshotId = oldest?.snapshotId ?? 0;
    expect((await ask(sql, { asOf: String(snapshotId) })).rows).toEqual([
      { n: String(oldest?.totalRecords), last: String((oldest?.totalRecords ?? 0) - 1) },
    ]);
  });

  test('gives no more rows than were asked for, and says when there are more', async () => {
    const sql = 'select trade_id from market.trades order by trade_id';
    const some = await ask(sql, { rowsMax: 3 });
    expect(some.rows).toEqual([{ trade_id: '0' }, { trade_id: '1' }, { trade_id: '2' }]);
    expect(some.truncated).toBe(true);
    expect((await ask(`${sql} limit 3`, { rowsMax: 3 })).truncated).toBe(false);
  });

  test.each([
    'with t as (from market.trades) select count(*) from t',
    'describe market.trades',
    'show tables',
    'summarize market.trades',
    'explain analyze from market.trades',
    'pivot (select symbol, side, volume::double as volume from market.trades) on side using sum(volume);',
    "from query_table('market.trades')",
  ])('may be: %s', async (sql) => {
    expect((await ask(sql)).columns.length).toBeGreaterThan(0);
  });

  test('says in the words of DuckDB what is wrong with it', async () => {
    await expect(ask('select nothing from market.trades')).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('nothing') as string,
    });
    await expect(ask('select from where')).rejects.toMatchObject(refused);
    await expect(ask('')).rejects.toMatchObject(refused);
  });

  test('is one statement', async () => {
    await expect(ask('select 1; select 2')).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('2 statements') as string,
    });
    await expect(ask(`select 1; copy (select 1) to '${secret}.2'`)).rejects.toMatchObject(refused);
  });

  test('cannot read files that are not of the lake', async () => {
    const outside = [
      secret,
      `file://${secret}`,
      `${localPath(lake.lake.store.root)}/../secret.csv`,
      '/etc/passwd',
      '/proc/self/environ',
      'http://127.0.0.1:9/x.csv',
    ];
    for (const file of outside) {
      for (const read of [
        'read_csv',
        'read_json_auto',
        'read_text',
        'read_blob',
        'glob',
        'sniff_csv',
        'query_table',
      ]) {
        const answer = await ask(`select * from ${read}('${file}')`).catch((error: unknown) => error);
        expect(answer, `${read} of ${file}`).toMatchObject(refused);
      }
    }
    await expect(ask(`from '${secret}'`)).rejects.toMatchObject(refused);
  });
});

describe('a query that would change something', () => {
  const inLake = (): string => `${localPath(lake.lake.store.root)}/market/trades`;

  test('cannot write files, neither outside the lake nor over its own', async () => {
    const before = await contents();
    const own = files[0] ?? '';
    for (const target of [`${secret}.out`, own, `${inLake()}/new.parquet`, `${inLake()}/new.csv`]) {
      for (const prefix of ['', 'explain analyze ']) {
        const sql = `${prefix}copy (select 1 as x) to '${target}'`;
        await expect(ask(sql), sql).rejects.toMatchObject(refused);
      }
    }
    await expect(ask(`export database '${inLake()}/export'`)).rejects.toMatchObject(refused);
    expect(await contents()).toEqual(before);
  });

  test.each([
    ['attach', () => `attach '${secret}.db' as other`],
    ['attach inside the lake', () => `attach '${inLake()}/new.db' as other`],
    ['install', () => 'install httpfs'],
    ['load', () => "load '/tmp/nothing.duckdb_extension'"],
    ['set a locked setting', () => 'set enable_external_access = true'],
    ['reset a setting', () => 'reset allowed_directories'],
    ['pragma', () => "pragma temp_directory='/tmp'"],
    ['create a table', () => 'create table mine as select 1'],
    ['drop', () => 'drop view market.trades'],
    ['delete', () => 'delete from market.trades'],
    ['create a secret', () => "create secret (type http, bearer_token 'x')"],
    ['create a macro', () => 'create macro two() as 2'],
    ['create a type', () => "create type mine as enum ('a')"],
    ['prepare', () => 'prepare p as select 1'],
    ['call', () => 'call force_checkpoint()'],
    ['copy inside a query', () => `from query('copy (select 1) to ''${secret}.out''')`],
    [
      'copy after a pivot',
      () => `pivot market.trades on side using count(*); copy (select 1) to '${secret}.out'`,
    ],
    ['spill elsewhere', () => "set temp_directory = '/tmp'"],
  ])('may not %s', async (_what, sql) => {
    const before = await contents();
    await expect(ask(sql())).rejects.toMatchObject(refused);
    expect(await contents()).toEqual(before);
  });

  /** Every file beside and below the warehouse with its hash. */
  async function contents(): Promise<string[]> {
    await mkdir(dirname(secret), { recursive: true });
    const entries = await readdir(lake.dir, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.startsWith(lake.spillDir))
      .sort();
    return await Promise.all(
      paths.map(
        async (path) =>
          `${createHash('sha256')
            .update(await readFile(path))
            .digest('hex')} ${path}`,
      ),
    );
  }
});

describe('a query that is stopped', () => {
  /** Years of work. */
  const endless =
    'select sum(a.range * b.range * c.range) from range(1000000) a, range(1000000) b, range(1000000) c';

  test('ends while it computes', async () => {
    const stop = new AbortController();
    const answer = ask(endless, { signal: stop.signal });
    setTimeout(() => stop.abort(), 500);
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' });
  }, 30_000);

  test('ends while its rows are read', async () => {
    const stop = new AbortController();
    const answer = ask('select * from range(1000000000000) t(i) where hash(i) % 1000000 = 0', {
      signal: stop.signal,
      rowsMax: 10_000_000,
    });
    setTimeout(() => stop.abort(), 500);
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' });
  }, 30_000);

  test('does not begin when it was stopped before', async () => {
    await expect(ask(endless, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'TIMEOUT' });
  }, 30_000);

  test.each([0, 1, 5, 10, 20, 40])(
    'ends when stopped %i ms after it began',
    async (ms) => {
      await expect(ask(endless, { signal: AbortSignal.timeout(ms) })).rejects.toMatchObject({
        code: 'TIMEOUT',
      });
    },
    30_000,
  );
});
