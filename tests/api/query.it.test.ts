import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { QueryUnderWay } from '#api/schemas/query.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { trades as tradesTable } from '#core/lake/tables.ts';
import { orderEvents } from '#core/lake/trading-tables.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { openQueryGround, trades, type QueryGround } from './query-ground.ts';

const needsPython = requires((await pythonEnvironment()) !== undefined, 'Python with pyarrow', pythonRemedy);
const count = 'select count(*) as n, max(price) as highest, max(timestamp) as newest from market.trades';
const endless = 'select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i), range(1000) c';

let query: QueryGround;
let trader: string;
let analyst: string;

beforeAll(async () => {
  query = await openQueryGround({ queryLimits: { seconds: 60 }, tables: [tradesTable, orderEvents] });
  trader = await query.signUp('trader');
  analyst = await query.signUp('analyst', 'analyst');
});

afterAll(async () => {
  await query.close();
});

async function problemOf(answer: Response): Promise<Problem> {
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  return (await answer.json()) as Problem;
}

async function underWay(token: string): Promise<QueryUnderWay[]> {
  const answer = await fetch(`${query.url}/v1/query`, { headers: { authorization: `Bearer ${token}` } });
  return ((await answer.json()) as { items: QueryUnderWay[] }).items;
}

async function untilRunning(token: string): Promise<QueryUnderWay> {
  return await vi.waitFor(
    async () => {
      const [one] = await underWay(token);
      expect(one).toMatchObject({ state: 'running' });
      if (one === undefined) throw new Error('none is under way');
      return one;
    },
    { timeout: 20_000, interval: 20 },
  );
}

async function end(queryId: string, token: string): Promise<number> {
  const answer = await fetch(`${query.url}/v1/query/${queryId}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.status;
}

describe('an answer', () => {
  it('is JSON with types, exact numbers, instants and the snapshot that was read', async () => {
    const [newest] = await listSnapshots(query.ground.lake, tradesTable);
    const answer = await query.post(trader, { sql: count });
    expect(answer.status).toBe(200);
    const snapshot = String(newest?.snapshotId);
    expect(await answer.json()).toEqual({
      columns: [
        { name: 'n', type: 'BIGINT' },
        { name: 'highest', type: 'DECIMAL(38,18)' },
        { name: 'newest', type: 'TIMESTAMP WITH TIME ZONE' },
      ],
      rows: [
        { n: String(trades), highest: '1499.250000000000000000', newest: '2024-08-08T23:54:16.999000Z' },
      ],
      rowCount: 1,
      truncated: false,
      snapshots: { 'market.trades': snapshot },
    });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'ticklake-rows': '1',
      'ticklake-truncated': 'false',
      'ticklake-snapshots': `market.trades=${snapshot}`,
    });
  });

  it('reads the tables as of a snapshot', async () => {
    const oldest = (await listSnapshots(query.ground.lake, tradesTable)).at(-1);
    const answer = await query.post(trader, { sql: count, asOf: String(oldest?.snapshotId) });
    expect(await answer.json()).toMatchObject({ rows: [{ n: String(oldest?.totalRecords) }] });
    expect(await problemOf(await query.post(trader, { sql: count, asOf: 'no-such-tag' }))).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('has no more rows than were asked for, and says so', async () => {
    const sql = 'select trade_id from market.trades order by trade_id';
    const answer = await query.post(trader, { sql, rowsMax: 2_500, format: 'csv' });
    expect(answer.headers.get('ticklake-truncated')).toBe('true');
    expect(answer.headers.get('ticklake-rows')).toBe('2500');
    const lines = (await answer.text()).trimEnd().split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([2_501, 'trade_id', '2499']);
    const endlessRows = await query.post(trader, {
      sql: 'select * from range(1000000000000) t(i)',
      rowsMax: 3,
    });
    expect(await endlessRows.json()).toMatchObject({
      rows: [{ i: '0' }, { i: '1' }, { i: '2' }],
      truncated: true,
    });
    const all = await query.post(trader, { sql, rowsMax: trades });
    expect(await all.json()).toMatchObject({ rowCount: trades, truncated: false });
  });

  it('takes values for the parameters of its text', async () => {
    const sql = `select $word as word, $share as share, count(*)::integer as n from market.trades
                 where symbol = $symbol and timestamp >= $from and trade_id < $below and $yes`;
    const params = {
      word: "it's; -- $x",
      share: 0.5,
      symbol: 'BTCUSDT',
      from: '2024-08-08',
      below: 100,
      yes: true,
    };
    const answer = await query.post(trader, { sql, params });
    expect(await answer.json()).toMatchObject({ rows: [{ word: "it's; -- $x", share: 0.5, n: 100 }] });
    expect(
      await problemOf(await query.post(trader, { sql, params: { ...params, word: ['a'] } })),
    ).toMatchObject({
      detail: 'the value of $word is a list or an object',
    });
    const { below, ...fewer } = params;
    expect(await problemOf(await query.post(trader, { sql, params: fewer }))).toMatchObject({
      detail: 'no value was given for $below',
    });
    expect(
      await problemOf(await query.post(trader, { sql, params: { ...params, below, other: 1 } })),
    ).toMatchObject({
      detail: 'the text has no parameter $other',
    });
  });

  it('is an Arrow stream that apache-arrow reads', async () => {
    const answer = await query.post(
      trader,
      { sql: 'select trade_id, price, timestamp, side from market.trades order by trade_id' },
      { headers: { accept: 'application/vnd.apache.arrow.stream' } },
    );
    expect(answer.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
    expect(table.numRows).toBe(trades);
    expect(table.schema.fields.map(({ name, type }) => `${name} ${String(type)}`)).toEqual([
      'trade_id Int64',
      'price Decimal[38e+18]',
      'timestamp Timestamp<MICROSECOND, UTC>',
      'side Utf8',
    ]);
    expect(table.getChild('trade_id')?.get(2_999)).toBe(2_999n);
  });

  it('is an Arrow stream that pyarrow reads', needsPython, async () => {
    const sql = 'select trade_id, price from market.trades where trade_id < 2 order by trade_id';
    const answer = await query.post(trader, { sql, format: 'arrow' });
    const path = join(query.ground.dir, 'answer.arrow');
    await writeFile(path, Buffer.from(await answer.arrayBuffer()));
    expect(await python('engines/arrow.py', { path })).toEqual({
      types: { trade_id: 'int64', price: 'decimal128(38, 18)' },
      rows: [
        { trade_id: '0', price: '1000.250000000000000000' },
        { trade_id: '1', price: '1001.250000000000000000' },
      ],
      count: 2,
    });
  });

  it.each([
    ['select * from market.trade', /Table with name trade does not exist[^]*\^/, /market\.trades/],
    ['selct 1', /syntax error at or near "selct"[^]*\^/, /\^/],
    ['select prise from market.trades', /Candidate bindings: "price"[^]*\^/, /describe/],
    ["select 'x'::integer", /Could not convert string 'x'/, /try_cast/],
  ])('says where an error is, and what to do: %s', async (sql, detail, remedy) => {
    const problem = await problemOf(await query.post(trader, { sql }));
    expect(problem).toMatchObject({ status: 400, code: 'QUERY_INVALID' });
    expect(problem.detail).toMatch(detail);
    expect(problem.remedy).toMatch(remedy);
  });
});

describe('rights', () => {
  it('take a session', async () => {
    expect((await query.post('nonsense', { sql: count })).status).toBe(401);
  });

  it('show order events to analysts alone', async () => {
    const sql = 'select count(*) as n from trading.order_events';
    expect(await problemOf(await query.post(trader, { sql }))).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
      detail: 'trading.order_events is not for your role',
    });
    expect(await (await query.post(analyst, { sql })).json()).toMatchObject({ rows: [{ n: '0' }] });
    const tables =
      'select table_schema || $dot || table_name as name from information_schema.tables order by all';
    const seen = async (token: string) =>
      (
        (await (await query.post(token, { sql: tables, params: { dot: '.' } })).json()) as {
          rows: { name: string }[];
        }
      ).rows;
    expect(await seen(trader)).toEqual([{ name: 'market.trades' }]);
    expect(await seen(analyst)).toEqual([{ name: 'market.trades' }, { name: 'trading.order_events' }]);
  });
});

describe('a query under way', () => {
  it('is seen by its user and ends when it is deleted, by nobody else', async () => {
    const answering = query.post(trader, { sql: endless });
    const { queryId, sql } = await untilRunning(trader);
    expect(sql).toBe(endless);
    expect(await underWay(analyst)).toEqual([]);
    expect(await end(queryId, analyst)).toBe(404);
    expect(await end(queryId, trader)).toBe(204);
    expect(await problemOf(await answering)).toMatchObject({ status: 409, code: 'QUERY_CANCELED' });
    expect(await underWay(trader)).toEqual([]);
    expect(await end(queryId, trader)).toBe(404);
  });

  it('ends when it is deleted while nobody reads its answer', async () => {
    const sql = "select repeat('x', 4000) as x from range(10000)";
    const answer = await query.post(trader, { sql, rowsMax: 10_000 });
    expect(answer.status).toBe(200);
    const queryId = answer.headers.get('ticklake-query-id') ?? '';
    expect(await underWay(trader)).toMatchObject([{ queryId, state: 'sending' }]);
    expect(await end(queryId, trader)).toBe(204);
    await vi.waitFor(async () => expect(await underWay(trader)).toEqual([]), { timeout: 20_000 });
    await expect(answer.text()).rejects.toThrow('terminated');
  });

  it('ends when its request is closed', async () => {
    const leaving = new AbortController();
    const answering = query.post(trader, { sql: endless }, { signal: leaving.signal });
    const gone = answering.catch((error: unknown) => error);
    await untilRunning(trader);
    leaving.abort();
    expect(await gone).toBeInstanceOf(Error);
    await vi.waitFor(async () => expect(await underWay(trader)).toEqual([]), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await running()).toBe(0), { timeout: 20_000 });
  });

  it('leaves room for those of others', async () => {
    const leaving = new AbortController();
    const mine = [1, 2, 3].map((n) =>
      query.post(trader, { sql: `${endless} -- ${n}` }, { signal: leaving.signal }).catch(() => undefined),
    );
    await vi.waitFor(async () => expect(await underWay(trader)).toHaveLength(3), { timeout: 20_000 });
    const refused = await query.post(trader, { sql: count });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await problemOf(refused)).toMatchObject({ code: 'RATE_LIMITED' });
    const waiting = query.post(analyst, { sql: count });
    leaving.abort();
    await Promise.all(mine);
    expect((await waiting).status).toBe(200);
  });
});

async function running(): Promise<number> {
  const metric = await query.service.metrics.registry.getSingleMetric('ticklake_query_running')?.get();
  return metric?.values[0]?.value ?? Number.NaN;
}
