import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { localPath } from '#core/lake/object-store.ts';
import { openQueryGround, type QueryGround } from './query-ground.ts';

const limits = { seconds: 3, memoryMb: 320, spillMb: 64 };
/** What the service may have grown by after all of them. */
const grownBytesMax = 300 * 1024 * 1024;

let query: QueryGround;
let token: string;
let secret: string;
let web: Server;
let asked = 0;

beforeAll(async () => {
  query = await openQueryGround({ queryLimits: limits });
  token = await query.signUp('hostile');
  secret = join(query.ground.dir, 'secret.csv');
  await writeFile(secret, 'word\nsesame\n');
  web = createServer((_request, response) => {
    asked += 1;
    response.end('word\nsesame\n');
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await query.close();
  web.close();
});

type Hostile = readonly [what: string, sql: () => string];

const warehouse = (): string => localPath(query.ground.lake.store.root);
const port = (): number => (web.address() as AddressInfo).port;

const files: readonly Hostile[] = [
  ['a file as text', () => `select * from read_text('${secret}')`],
  ['a file as a table', () => `from '${secret}'`],
  ['the users of the machine', () => "select * from read_csv('/etc/passwd', sep = ':')"],
  ['the environment of the process', () => "select content from read_blob('/proc/self/environ')"],
  ['files beside the warehouse', () => `select * from read_text('${warehouse()}/../secret.csv')`],
  ['names of files', () => "select * from glob('/**')"],
  ['all files of the warehouse', () => `select * from read_parquet('${warehouse()}/**/*.parquet')`],
  ['what others spilled', () => "select * from glob(current_setting('temp_directory') || '/../../**')"],
  ['answers to others', () => `select * from read_text('${query.ground.dir}/queries/*/answer')`],
  ['copies to a file', () => `copy (select 1) to '${secret}.out'`],
  ['copies inside a query', () => `from query('copy (select 1) to ''${secret}.out''')`],
  ['attaches a database', () => `attach '${secret}.db' as other`],
];
const network: readonly Hostile[] = [
  ['reads from a server', () => `select * from read_csv('http://127.0.0.1:${port()}/x.csv')`],
  ['reads from a bucket', () => "select * from read_parquet('s3://bucket/x.parquet')"],
  ['installs an extension', () => 'install httpfs'],
  ['loads a library', () => "load '/tmp/nothing.duckdb_extension'"],
];
const settings: readonly Hostile[] = [
  ['lets itself out', () => 'set enable_external_access = true'],
  ['unlocks', () => 'reset lock_configuration'],
  ['takes more memory', () => "set memory_limit = '100GB'"],
  ['takes more threads', () => 'pragma threads = 64'],
  ['deletes trades', () => 'delete from market.trades'],
  ['says two things', () => 'select 1; drop view market.trades'],
];
const bombs: readonly Hostile[] = [
  ['a text of ten thousand million', () => "select length(repeat('x', 10000000000))"],
  ['a text of four thousand million', () => "select md5(repeat('x', 4000000000))"],
  ['a text that is split', () => "select len(string_split(repeat('x,', 1000000000), ','))"],
  ['many long texts', () => "select max(repeat('x', 50000000 + i::integer)) from range(10000) t(i)"],
  ['a format that pads', () => "select length(printf('%2000000000d', 1))"],
  ['a long list', () => 'select length(range(1000000000000))'],
  ['a list of all rows', () => 'select length(list(i)) from range(10000000000) t(i)'],
  ['lists of lists', () => 'select [range(10000000) for x in range(10000)]'],
  ['a map', () => 'select map(range(500000000), range(500000000))'],
  ['a sort that does not fit', () => 'select i from range(100000000000) t(i) order by hash(i)'],
  ['a window over all', () => 'select sum(i) over (order by hash(i)) from range(100000000000) t(i)'],
  ['long rows', () => "select repeat('x', 10000000) from range(100000)"],
];
const endless: readonly Hostile[] = [
  ['a join of all', () => 'select sum(a.i * b.i) from range(10000000) a(i), range(10000000) b(i)'],
  ['a recursion', () => `${recursive('n', '1', 'n + 1')} select max(n) from t`],
  ['a recursion that grows', () => `${recursive('x', "'x'", 'x || x')} select max(length(x)) from t`],
  ['a recursion that multiplies', () => `${recursive('n', '1', 'n', ', range(2)')} select count(*) from t`],
  ['expressions', () => `select count(*) from range(100000000) t(i) where ${pattern}`],
  ['nested brackets', () => `select ${'('.repeat(10_000)}1${')'.repeat(10_000)}`],
  ['nested questions', () => `${'select * from ('.repeat(1_500)}select 1${')'.repeat(1_500)}`],
  ['a large expression', () => "select regexp_matches('a', '((((a{100}){100}){100}){100}){100}')"],
];
const pattern = "regexp_matches(repeat('ab', 5000) || i, '(a|b)*?c')";

function recursive(column: string, first: string, next: string, more = ''): string {
  return `with recursive t(${column}) as (select ${first} union all select ${next} from t${more})`;
}

describe('a hostile query', () => {
  it('comes in more than forty kinds', () => {
    expect([files, network, settings, bombs, endless].flat().length).toBeGreaterThan(40);
  });

  it.each([
    ['for files', files],
    ['for the network', network],
    ['for settings and other statements', settings],
  ])(
    'is refused: %s',
    async (_what, hostile) => {
      const before = await contents();
      for (const [what, { status, code, remedy, detail }] of await allOf(hostile)) {
        expect([status, code], `${what}: ${detail}`).toEqual([400, 'QUERY_INVALID']);
        expect(remedy, what).not.toBeNull();
        expect(detail, what).not.toContain('sesame');
      }
      expect(asked).toBe(0);
      expect(await contents()).toEqual(before);
    },
    300_000,
  );

  it.each([
    ['memory', bombs],
    ['time', endless],
  ])(
    'that takes too much is stopped: %s',
    async (_what, hostile) => {
      const grown = process.memoryUsage().rss;
      for (const [what, { status, code, remedy, detail }] of await allOf(hostile)) {
        expect([400, 422], `${what}: ${detail}`).toContain(status);
        expect(['QUERY_INVALID', 'QUERY_OVER_LIMIT'], what).toContain(code);
        expect(remedy, what).not.toBeNull();
      }
      expect(process.memoryUsage().rss - grown).toBeLessThan(grownBytesMax);
    },
    300_000,
  );

  it('leaves nothing behind, and the service as it was', async () => {
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 20_000, interval: 100 });
    const answer = await query.post(token, { sql: 'select count(*)::integer as n from market.trades' });
    expect(await answer.json()).toMatchObject({ rows: [{ n: 3_000 }] });
    expect((await fetch(`${query.url}/health`)).status).toBe(200);
  });
});

/** Asks two at a time, and meanwhile the service for something else. */
async function allOf(
  hostile: readonly Hostile[],
): Promise<[string, Awaited<ReturnType<QueryGround['refusal']>>][]> {
  const waiting = [...hostile];
  const answers: [string, Awaited<ReturnType<QueryGround['refusal']>>][] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [what, sql] = next;
      const [problem, markets] = await Promise.all([
        query.refusal(token, sql()),
        fetch(`${query.url}/v1/markets`),
      ]);
      expect(markets.status, what).toBe(200);
      answers.push([what, problem]);
    }
  };
  await Promise.all([work(), work()]);
  return answers;
}

/** Files of queries but for those of the process that waits for the next. */
async function left(): Promise<string[]> {
  const folders = await readdir(join(query.ground.dir, 'queries'));
  return folders.slice(1);
}

/** Every file beside and below the warehouse with its hash, but for those of queries. */
async function contents(): Promise<string[]> {
  const entries = await readdir(query.ground.dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/queries/') && !path.includes('/api/'))
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
