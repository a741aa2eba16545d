import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseDecimal } from '#core/market/decimal.ts';
import { ordersTopic } from '#core/market/topics.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { readEvents } from '#core/trading/read.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import type { EventConsumer } from '#pipelines/deliver-events/consumer.ts';
import { startFeed, type EventFeed } from '#pipelines/deliver-events/feed.ts';
import { ordersTopicOptions } from '#pipelines/relay-orders/relay.ts';
import { logger, openTestTrading, type TestTrading } from '#tests/core/trading/support.ts';
import { killedConsumersRun } from './killed-consumers.ts';
import { notesOf, notesTable, noting } from './noting.ts';

const bounds = { timeout: 40_000, interval: 20 };

let trading: TestTrading;
let database: Database;
let log: EventLog;
let writer: TradingWriter;
const feeds: EventFeed[] = [];

beforeAll(async () => {
  trading = await openTestTrading();
  const { url, database: owner } = trading;
  await owner.query(notesTable);
  const options = { logger, metrics: new Metrics() };
  database = openDatabase({ url, setRole: 'ticklake_events', applicationName: 'test', ...options });
  log = createPostgresLog({ database: owner, ...options });
  await log.ensureTopic(ordersTopic, ordersTopicOptions);
  writer = trading.newWriter();
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
});
afterAll(async () => {
  await log.close();
  await database.close();
  await trading.close();
});

async function feed(...consumers: EventConsumer[]): Promise<EventFeed> {
  const metrics = new Metrics();
  const own = createPostgresLog({ database, logger, metrics });
  const started = await startFeed({ log: own, database, consumers, logger, metrics });
  feeds.push(started);
  return started;
}

async function open(): Promise<string> {
  const portfolioId = randomUUID();
  const at = { portfolioId, atUs: Date.now() * 1_000 };
  const [userId, name] = [randomUUID(), 'Test'];
  await writer.submit({ ...at, kind: 'open_portfolio', userId, name, limits: defaultLimits });
  return portfolioId;
}

async function deposit(portfolioId: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++)
    await writer.submit({
      ...{ portfolioId, atUs: Date.now() * 1_000, kind: 'deposit', id: randomUUID(), asset: 'USDT' },
      amount: parseDecimal('1'),
    });
}

/** As the log has them. */
async function texts(portfolioId: string): Promise<string[]> {
  return (await readEvents(database, portfolioId, { limit: 1_000 })).map(({ text }) => text);
}

async function send(portfolioId: string, values: readonly string[]): Promise<void> {
  await log.append(
    ordersTopic,
    values.map((value) => ({ key: portfolioId, value })),
  );
}

/** Waits until so many were noted, or more: partitions may come late, and then Postgres is looked at again. */
async function untilNoted(consumer: string, portfolioId: string, count: number): Promise<void> {
  await vi.waitFor(async () => {
    const numbers = (await notesOf(trading.database, consumer)).get(portfolioId) ?? [];
    expect(numbers.length).toBeGreaterThanOrEqual(count);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  }, bounds);
}

describe('a consumer of events', () => {
  it('is given each once and in order, whatever the log repeats, disorders or lacks', async () => {
    const portfolioId = await open();
    await deposit(portfolioId, 9);
    await feed(noting('once'));
    // What was there before is read from Postgres.
    await untilNoted('once', portfolioId, 10);
    await deposit(portfolioId, 10);
    const all = await texts(portfolioId);
    const [first = '', second = '', third = ''] = all.slice(10);
    await send(portfolioId, [
      first,
      first,
      second,
      'no event',
      '{"portfolioId":"x","number":1}',
      third,
      second,
    ]);
    await untilNoted('once', portfolioId, 13);
    // All between is missing; then it comes after all, and twice.
    await send(portfolioId, all.slice(19));
    await untilNoted('once', portfolioId, 20);
    await send(portfolioId, [...all, ...all]);
    const last = await open();
    await send(last, await texts(last));
    await untilNoted('once', last, 1);
    await untilNoted('once', portfolioId, 20);
  });

  it('that comes later begins at the first event', async () => {
    const portfolioId = await open();
    await deposit(portfolioId, 4);
    await send(portfolioId, await texts(portfolioId));
    const before = await feed(noting('early'));
    await untilNoted('early', portfolioId, 5);
    await before.close();
    await feed(noting('early'), noting('late'));
    await untilNoted('late', portfolioId, 5);
    await untilNoted('early', portfolioId, 5);
  });

  it('that fails keeps none of what it wrote, and no other from its turn', async () => {
    const portfolioId = await open();
    let failures = 0;
    const notes = noting('mended');
    const failing: EventConsumer = {
      name: 'mended',
      async handle(events, tx) {
        await notes.handle(events, tx);
        failures += 1;
        if (failures <= 3) throw new Error('not now');
      },
    };
    await feed(failing, noting('beside'));
    await deposit(portfolioId, 4);
    await send(portfolioId, await texts(portfolioId));
    await untilNoted('beside', portfolioId, 5);
    await untilNoted('mended', portfolioId, 5);
  });
});

describe('consumers that are killed', () => {
  it('make of each event once what it is, and raise each alert once', { timeout: 180_000 }, async () => {
    const { problems, figures } = await killedConsumersRun({ kills: 3, seed: 7, say: () => undefined });
    expect(problems).toEqual([]);
    expect(figures).toMatchObject({ kills: 3, events: 6 * (1 + 3 * 12), alerts: 6 });
  });
});
