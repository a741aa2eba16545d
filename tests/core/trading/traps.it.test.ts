import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ordersTopic } from '#core/market/topics.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { parseEvent } from '#core/trading/codec.ts';
import { readGlobalRisk, setGlobalRisk } from '#core/trading/kill-switch.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import { openSession } from '#core/trading/session.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { relayOnce } from '#pipelines/relay-orders/relay.ts';
import { codeOf, logger, nowUs, openPortfolio, openTestTrading, placement } from './support.ts';
import type { TestTrading } from './support.ts';

const checkViolation = '23514';
const denied = '42501';

describe('the traps of money in Postgres', { timeout: 120_000 }, () => {
  let trading: TestTrading;
  let writer: TradingWriter;

  beforeAll(async () => {
    trading = await openTestTrading();
    writer = trading.newWriter();
  }, 120_000);
  afterAll(async () => await trading.close());

  it('NaN and less than nothing are no amounts', async () => {
    const id = await openPortfolio(writer);
    await writer.submit(placement(id));
    const amounts = {
      'trading.balances': ['available', 'held'],
      'trading.orders': [
        'quantity',
        'price',
        'stop_price',
        'filled_quantity',
        'filled_quote',
        'fees',
        'held',
        'queue_ahead',
      ],
    };
    for (const [table, columns] of Object.entries(amounts))
      for (const column of columns)
        expect(
          await codeOf(
            trading.database.query(`update ${table} set ${column} = 'NaN' where portfolio_id = $1`, [id]),
          ),
          `${table}.${column}`,
        ).toBe(checkViolation);
    const inserts = {
      holdings: `values ($1, 'A', 'B', 1, 1, 1, 'NaN')`,
      lots: `values ($1, 'A', 'B', 1, 'NaN', 1)`,
      ledger: `values ($1, 1, 'A', 'available', 'NaN')`,
    };
    for (const [table, values] of Object.entries(inserts))
      expect(
        await codeOf(trading.database.query(`insert into trading.${table} ${values}`, [id])),
        table,
      ).toBe(checkViolation);
    for (const column of ['available', 'held'])
      expect(
        await codeOf(
          trading.database.query(`update trading.balances set ${column} = -1 where portfolio_id = $1`, [id]),
        ),
      ).toBe(checkViolation);
  });

  it('nobody changes or deletes what has happened, not even who owns the tables', async () => {
    for (const table of ['events', 'ledger', 'idempotency', 'global_risk_changes'])
      for (const change of [`delete from trading.${table}`, `truncate trading.${table}`])
        expect(await codeOf(trading.database.query(change)), change).toBe(denied);
    expect(await codeOf(trading.database.query(`update trading.events set body = ''`))).toBe(denied);
  });

  it('plans that were made on empty, analysed tables go by indexes when they are full', async () => {
    const { database } = trading;
    const { rows: tables } = await database.query<{ name: string }>(
      `select format('trading.%I', relname) as name from pg_class
        where relnamespace = 'trading'::regnamespace and relkind = 'r'`,
    );
    for (const { name } of tables) await database.query(`analyze ${name}`);
    const session = await openSession(database, 'plans');
    try {
      const plan = async (sql: string): Promise<string> => {
        const rows = await session.send<{ 'QUERY PLAN': string }>(`explain ${sql}`);
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      };
      const id = randomUUID();
      for (const table of ['heads', 'balances', 'holdings', 'lots', 'orders'])
        expect(await plan(`select * from trading.${table} where portfolio_id = any('{${id}}')`)).not.toMatch(
          /Seq Scan/,
        );
      expect(
        await plan(
          `select * from unnest('{${id}}'::uuid[]) as k (portfolio_id) join trading.idempotency i using (portfolio_id)
            where i.kind = 'key' and i.key = 'x'`,
        ),
      ).not.toMatch(/Seq Scan|Hash|Merge/);
    } finally {
      await session.close();
    }
  });

  it('who stops amid a transaction does not keep others from their portfolio', async () => {
    const id = await openPortfolio(writer);
    const paused = await openSession(trading.database, 'paused');
    await paused.send('begin');
    await paused.query('select from trading.heads where portfolio_id = $1 for update', [id]);
    const placed = await writer.submit(placement(id));
    expect(placed.events).toMatchObject([{ type: 'order_accepted' }]);
    expect(paused.isLost).toBe(true);
    await paused.close();
  });

  it('a connection that breaks between two batches is opened anew', async () => {
    const id = await openPortfolio(writer);
    await trading.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ticklake trading'`,
    );
    for (let attempt = 0; attempt < 50; attempt++) {
      const code = await codeOf(writer.submit(placement(id), { key: 'again', bodyHash: 'a' }));
      if (code === undefined) break;
      expect(code).toBe('DATABASE_UNREACHABLE');
      await sleep(20);
    }
    expect(await writer.submit(placement(id), { key: 'again', bodyHash: 'a' })).toMatchObject({
      isReplay: true,
    });
    expect(await reconcile(trading.database, id)).toMatchObject({ number: 3, differences: [] });
  });

  it('nothing is accepted after the kill switch was answered, under full load', async () => {
    const ids = await Promise.all(
      Array.from({ length: 8 }, () => openPortfolio(writer, { USDT: '10000000' })),
    );
    const writers = [writer, trading.newWriter()];
    const { database } = trading;
    let isAnswered = false;
    let acceptedAfter = 0;
    let halted = 0;
    const placing = Array.from({ length: 64 }, async (_, index) => {
      const id = ids[index % ids.length] ?? '';
      for (let turn = 0; halted < 500 && turn < 10_000; turn++) {
        const isLate = isAnswered;
        const { events } = await (writers[index % 2] ?? writer).submit(placement(id));
        const isAccepted = events[0]?.type === 'order_accepted';
        if (isLate && isAccepted) acceptedAfter += 1;
        if (!isAccepted) halted += 1;
      }
    });
    await setGlobalRisk(database, { risk: 'halted', by: 'test', reason: 'drill', atUs: nowUs() });
    isAnswered = true;
    const counted = await acceptedSoFar();
    await Promise.all(placing);
    expect(acceptedAfter).toBe(0);
    expect(halted).toBeGreaterThanOrEqual(500);
    expect(await acceptedSoFar()).toBe(counted);
    expect(await readGlobalRisk(database)).toMatchObject({
      risk: 'halted',
      change: { by: 'test', reason: 'drill' },
    });
    await setGlobalRisk(database, { risk: 'active', by: 'test', reason: 'over', atUs: nowUs() });
    expect(await writer.submit(placement(ids[0] ?? ''))).toMatchObject({
      events: [{ type: 'order_accepted' }],
    });

    async function acceptedSoFar(): Promise<number | undefined> {
      const { rows } = await database.query<{ count: number }>(
        `select count(*) as count from trading.events where type = 'order_accepted' and portfolio_id = any($1)`,
        [ids],
      );
      return rows[0]?.count;
    }
  });

  it('each portfolio’s events come to the log in their order, none is left out, whatever commits first', async () => {
    const metrics = new Metrics();
    const { database } = trading;
    const log = createPostgresLog({ database, logger, metrics });
    await log.ensureTopic(ordersTopic, { partitions: 3, retentionMs: 3_600_000 });
    const ids = await Promise.all(Array.from({ length: 6 }, () => openPortfolio(writer)));
    const drain = async (): Promise<void> => {
      while ((await relayOnce({ database, log })) > 0);
    };
    // What is written first and becomes visible last: a relay that goes by the highest number it has seen leaves it out.
    const [late = ''] = ids;
    await writer.submit(placement(late));
    await database.query('delete from trading.outbox where portfolio_id = $1 and number = 3', [late]);
    const slow = new pg.Client({ connectionString: trading.url });
    await slow.connect();
    await slow.query('begin');
    await slow.query('insert into trading.outbox (portfolio_id, number) values ($1, 3)', [late]);
    const writers = [writer, trading.newWriter()];
    const others = ids.slice(1);
    const placing = Promise.all(
      others.flatMap((id) => Array.from({ length: 40 }, (_, at) => writers[at % 2]?.submit(placement(id)))),
    );
    await Promise.all([drain(), drain(), placing]);
    await drain();
    await slow.query('commit');
    await slow.end();
    await Promise.all([drain(), drain()]);

    const { partitions } = await log.describe(ordersTopic);
    const numbers = new Map<string, number[]>();
    const stop = new AbortController();
    let left = partitions.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
    const from = partitions.map(({ partition, startOffset: offset }) => ({ partition, offset }));
    for await (const batch of log.read({ topic: ordersTopic, from, signal: stop.signal })) {
      for (const line of batch.lines.toString().trimEnd().split('\n')) {
        const { portfolioId, event } = parseEvent(line);
        numbers.set(portfolioId, [...(numbers.get(portfolioId) ?? []), event.number]);
      }
      left -= batch.count;
      if (left === 0) stop.abort();
    }
    for (const id of ids) {
      const { number } = await reconcile(database, id);
      expect(numbers.get(id)).toEqual(Array.from({ length: number }, (_, at) => at + 1));
    }
    expect((await database.query('select from trading.outbox')).rowCount).toBe(0);
    await log.close();
  });
});
