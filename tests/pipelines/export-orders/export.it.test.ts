import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { query } from '#core/lake/engine.ts';
import type { Lake } from '#core/lake/lake.ts';
import { add, zero } from '#core/market/decimal.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { DeliveredEvent } from '#pipelines/deliver-events/consumer.ts';
import { deliver } from '#pipelines/deliver-events/deliver.ts';
import { orderExport } from '#pipelines/export-orders/consumer.ts';
import { exportedLine } from '#pipelines/export-orders/line.ts';
import { openPseudonyms, pseudonyms, type Pseudonym } from '#pipelines/export-orders/pseudonyms.ts';
import { publishOrders } from '#pipelines/publish-orders/publish.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { eventsOf, feesWriter, tradeAtRandom } from '../aggregate-trading/history.ts';

const key = randomBytes(32);
const pseudonym: Pseudonym = pseudonyms(key);
const userId = randomUUID();
let ground: TestLake;
let role: Database;
let ingest: Database;
let lake: Lake;
let events: DeliveredEvent[];

beforeAll(async () => {
  ground = await openTestLake();
  const { url, logger } = ground;
  const as = (setRole: string): Database =>
    openDatabase({ url, setRole, applicationName: 'test', logger, metrics: new Metrics() });
  [role, ingest] = [as('ticklake_events'), as('ticklake_ingest')];
  lake = { ...ground.lake, database: ingest };
  const writer = feesWriter(ground.database);
  const traded = await Promise.all([4, 5].map((seed) => tradeAtRandom(writer, userId, { seed, count: 40 })));
  await writer.close();
  events = (
    await Promise.all(traded.map(({ portfolioId }) => eventsOf(ground.database, portfolioId)))
  ).flat();
}, 60_000);

afterAll(async () => {
  await ingest.close();
  await role.close();
  await ground.close();
});

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return (await query(ground.lake, sql, { spillDir: ground.spillDir })).rows;
}

async function hand(from: number, to: number): Promise<void> {
  for (const own of Map.groupBy(events, ({ portfolioId }) => portfolioId).values()) {
    const part = own.slice(Math.floor(own.length * from), Math.floor(own.length * to));
    await deliver(role, orderExport(pseudonym), part);
  }
}

const ofOrders = (): DeliveredEvent[] =>
  events.filter(({ event }) => 'order' in event || event.type === 'order_rejected');

describe('events of orders in the lake', () => {
  it('come each once, whatever is handed on twice and published again', async () => {
    await hand(0, 0.5);
    await hand(0.2, 0.5);
    expect(await publishOrders(lake, ground.spillDir)).toMatchObject({ commits: 1 });
    await hand(0.5, 1);
    await hand(0, 1);
    const published = await publishOrders(lake, ground.spillDir);
    expect(published.commits).toBe(1);
    expect(await publishOrders(lake, ground.spillDir)).toEqual({ rows: 0, commits: 0 });
    const wanted = ofOrders().map(({ portfolioId, event }) => ({
      ...{ account: pseudonym('account', portfolioId), number: String(event.number), type: event.type },
    }));
    const found = await rows('select account, number, type from trading.order_events');
    const byKey = (one: Record<string, unknown>): string =>
      `${String(one['account'])} ${String(one['number'])}`;
    const sorted = <T extends Record<string, unknown>>(some: readonly T[]): T[] =>
      some.toSorted((a, b) => (byKey(a) < byKey(b) ? -1 : 1));
    expect(sorted(found)).toEqual(sorted(wanted));
    expect(found.length).toBeGreaterThan(60);
  });

  it('say what happened, to the last place', async () => {
    const [filled] = ofOrders().filter(({ event }) => event.type === 'order_filled');
    if (filled?.event.type !== 'order_filled') throw new Error('nothing was filled');
    const { order, fill } = filled.event;
    const account = pseudonym('account', filled.portfolioId);
    const [row] = await rows(
      `select *, epoch_us(timestamp) as at_us from trading.order_events where account = '${account}' and number = ${filled.event.number}`,
    );
    expect(row).toMatchObject({
      ...{ symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', side: order.side, status: order.status },
      ...{ order_id: pseudonym('order', order.id), owner: pseudonym('owner', userId), reason: null },
      ...{ trade_id: String(fill.tradeId), liquidity: 'maker', at_us: String(filled.event.atUs) },
    });
    const units = (text: unknown): bigint => BigInt(String(text).replace('.', ''));
    expect([units(row?.['fill_quantity']), units(row?.['fill_fee']), units(row?.['filled_quote'])]).toEqual([
      ...[fill.quantity, fill.fee, order.filledQuote],
    ]);
    const sums = await rows(
      `select sum(fill_quantity) as quantity, count(*) filter (where reason is not null) as reasons from trading.order_events`,
    );
    const fills = ofOrders().map(({ event }) => (event.type === 'order_filled' ? event.fill.quantity : zero));
    expect(units(sums[0]?.['quantity'])).toBe(fills.reduce(add, zero));
    expect(sums[0]?.['reasons']).toBe(
      String(ofOrders().filter(({ event }) => 'reason' in event || 'code' in event).length),
    );
  });

  it('name nobody: no id of a portfolio, a user or an order is in them, nor what a client wrote', () => {
    for (const { portfolioId, event } of events) {
      const line = exportedLine({ portfolioId, userId }, named(event), pseudonym) ?? '';
      for (const id of [portfolioId, userId, orderIdOf(event), 'my-name']) expect(line).not.toContain(id);
    }
    expect(exportedLine({ portfolioId: 'p', userId }, opened, pseudonym)).toBeUndefined();
  });

  it('are not read by who brings them to the lake, but for what is under pseudonyms', async () => {
    await expect(ingest.query('select body from trading.events')).rejects.toThrow(/permission denied/);
    await expect(ingest.query(`insert into exports.order_events (line) values ('{}')`)).rejects.toThrow(
      /permission denied/,
    );
    await expect(role.query('select line from exports.order_events')).rejects.toThrow(/permission denied/);
  });
});

describe('pseudonyms', () => {
  it('are the same for the same key, and others for another key or kind', async () => {
    const dataDir = join(ground.dir, 'pseudonyms');
    const made = await openPseudonyms({ dataDir });
    const again = await openPseudonyms({ dataDir });
    const other = await openPseudonyms({ dataDir: `${dataDir}-2` });
    expect(made('account', userId)).toMatch(/^[0-9a-f]{32}$/);
    expect(again('account', userId)).toBe(made('account', userId));
    expect(other('account', userId)).not.toBe(made('account', userId));
    expect(made('owner', userId)).not.toBe(made('account', userId));
    const path = join(dataDir, 'keys', 'pseudonyms.key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const copy = join(ground.dir, 'copy.key');
    await writeFile(copy, `${await readFile(path, 'utf8')}\n`);
    const named = await openPseudonyms({ dataDir: ground.dir, keyFile: copy });
    expect(named('order', 'x')).toBe(made('order', 'x'));
  });

  it('take no file that holds no key', async () => {
    const keyFile = join(ground.dir, 'no.key');
    await expect(openPseudonyms({ dataDir: ground.dir, keyFile })).rejects.toThrow(/cannot be read/);
    await writeFile(keyFile, 'secret');
    await expect(openPseudonyms({ dataDir: ground.dir, keyFile })).rejects.toThrow(/64 hexadecimal/);
  });
});

const opened: DeliveredEvent['event'] = {
  ...{ type: 'cancel_after_set', untilUs: null, number: 1, atUs: 1 },
};

function orderIdOf(event: DeliveredEvent['event']): string {
  if (event.type === 'order_rejected') return event.orderId;
  return 'order' in event ? event.order.id : 'none';
}

/** With what a client may write into an order. */
function named(event: DeliveredEvent['event']): DeliveredEvent['event'] {
  if (event.type === 'order_rejected')
    return { ...event, request: { ...event.request, clientOrderId: 'my-name' } };
  return 'order' in event ? { ...event, order: { ...event.order, clientOrderId: 'my-name' } } : event;
}
