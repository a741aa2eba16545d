import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { setPriceAlert } from '#core/alerts/price-alerts.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { startPriceWatch, type PriceWatch } from '#pipelines/watch-prices/watch.ts';
import { logger, openTestTrading, type TestTrading } from '#tests/core/trading/support.ts';

const source = 'venue';
const symbols = ['AUSDT', 'BUSDT', 'CUSDT', 'DUSDT', 'EUSDT', 'FUSDT'];
const bounds = { timeout: 30_000, interval: 25 };

let trading: TestTrading;
let log: EventLog;
let userId: string;
let tradeId = 0;
const watches: { watch: PriceWatch; database: Database }[] = [];

beforeAll(async () => {
  trading = await openTestTrading();
  log = createPostgresLog({ database: trading.database, logger, metrics: new Metrics() });
  await log.ensureTopic(tradesTopic, { partitions: 6, retentionMs: 3_600_000 });
  userId = randomUUID();
  await trading.database.query(
    `insert into identity.users (user_id, email, password_hash) values ($1, 'a@example.com', $2)`,
    [userId, `$2b$12$${'x'.repeat(53)}`],
  );
});
afterEach(async () => {
  for (const { watch, database } of watches.splice(0)) {
    await watch.close();
    await database.close();
  }
});
afterAll(async () => {
  await log.close();
  await trading.close();
});

/** As a process of the role has it. */
async function start(): Promise<void> {
  const metrics = new Metrics();
  const login = { url: trading.url, setRole: 'ticklake_events' };
  const database = openDatabase({ ...login, applicationName: 'events', logger, metrics });
  const own = createPostgresLog({ database, logger, metrics });
  const options = { database, log: own, hasMail: false, logger, metrics, sessionTimeoutMs: 1_000 };
  watches.push({ watch: await startPriceWatch(options), database });
}

async function trade(price: string): Promise<void> {
  tradeId += 1;
  await log.append(
    tradesTopic,
    symbols.map((symbol) => ({
      key: tradeKey(source, symbol),
      value: encodeTrade(
        { source, symbol, tradeId, price, volume: '1', side: 'buy', timestampUs: tradeId },
        'stream',
        '0',
      ),
    })),
  );
}

async function set(price: string): Promise<void> {
  for (const symbol of symbols)
    await setPriceAlert(trading.database, {
      ...{ userId, source, symbol, direction: 'above', price: parseDecimal(price), afterTradeId: tradeId },
    });
}

async function raised(): Promise<string[]> {
  const { rows } = await trading.database.query<{ cause: string }>(
    'select cause from alerts.alerts order by cause',
  );
  return rows.map(({ cause }) => cause.split(',')[0] ?? '');
}

it('raises each price alert once, however many watch, come and go', { timeout: 90_000 }, async () => {
  const wanted: string[] = [];
  const reach = async (price: string): Promise<void> => {
    for (const after of [price, String(Number(price) + 1), price]) await trade(after);
    wanted.push(...symbols.map((symbol) => `${symbol} was traded at ${price}`));
    wanted.sort();
    await vi.waitFor(async () => expect(await raised()).toEqual(wanted), bounds);
  };
  await trade('100');
  await start();
  await set('200');
  await reach('200');
  // A second one takes over some of the markets.
  await start();
  await set('300');
  await reach('300');
  // Both are gone as a price is reached.
  for (const { watch } of watches) await watch.close();
  await set('400');
  await trade('400');
  await trade('100');
  await start();
  wanted.push(...symbols.map((symbol) => `${symbol} was traded at 400`));
  wanted.sort();
  await vi.waitFor(async () => expect(await raised()).toEqual(wanted), bounds);
  await set('500');
  await reach('500');
});
