import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { readHeld, readOwners } from '#core/trading/analytics/owners.ts';
import { replay } from '#core/trading/replay.ts';
import { figures } from '#pipelines/aggregate-trading/consumer.ts';
import { deliver } from '#pipelines/deliver-events/deliver.ts';
import { logger, openTestTrading, type TestTrading } from '#tests/core/trading/support.ts';
import { compareFigures, type Happened } from './compare.ts';
import { eventsOf, feesWriter, tradeAtRandom } from './history.ts';

const [anna, bert] = [randomUUID(), randomUUID()];
let trading: TestTrading;
let api: Database;
let role: Database;
let happened: Happened;

beforeAll(async () => {
  trading = await openTestTrading();
  const as = (setRole: string): Database =>
    openDatabase({ url: trading.url, setRole, applicationName: 'test', logger, metrics: new Metrics() });
  [api, role] = [as('ticklake_api'), as('ticklake_events')];
  const writer = feesWriter(trading.database);
  const portfolios = await Promise.all([
    tradeAtRandom(writer, anna, { seed: 1, count: 60 }),
    tradeAtRandom(writer, anna, { seed: 2, count: 40 }),
    tradeAtRandom(writer, bert, { seed: 3, count: 50 }),
  ]);
  await writer.close();
  const all = await Promise.all(portfolios.map(({ portfolioId }) => eventsOf(trading.database, portfolioId)));
  happened = { portfolios, events: all.flat() };
}, 60_000);

afterAll(async () => {
  await api.close();
  await role.close();
  await trading.close();
});

describe('figures', () => {
  it.each([
    ['nothing', 0],
    ['a part', 0.4],
    ['more', 0.7],
    ['everything', 1],
  ])('are what the events say where %s is counted, and some of it was handed on twice', async (_, share) => {
    for (const own of Map.groupBy(happened.events, ({ portfolioId }) => portfolioId).values()) {
      for (const part of [share / 2, share]) {
        const given = own.slice(0, Math.floor(own.length * part));
        if (given.length > 0) await deliver(role, figures(), given);
      }
    }
    const { comparisons, differences } = await compareFigures(api, happened);
    expect(differences).toEqual([]);
    expect(comparisons).toBeGreaterThan(100);
  });
});

describe('owners', () => {
  it('are users with their portfolios, or portfolios, in pages', async () => {
    const users = await readOwners(api, {}, 'user');
    expect(users.map(({ id, portfolios: count }) => [id, count])).toEqual(
      [[anna, 2] as const, [bert, 1] as const].sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    const [first] = await readOwners(api, {}, 'portfolio', { limit: 1 });
    const rest = await readOwners(api, {}, 'portfolio', { after: first?.id });
    const ids = happened.portfolios.map((one) => one.portfolioId);
    expect([first, ...rest].map((one) => one?.id)).toEqual(ids.toSorted());
    expect(await readOwners(api, { userId: bert }, 'portfolio')).toHaveLength(1);
  });

  it('hold what their replayed portfolios hold', async () => {
    for (const { portfolioId } of happened.portfolios) {
      const { holdings } = await replay(api, portfolioId);
      const holding = holdings.get('BTC/USDT');
      const held = await readHeld(api, { portfolioId }, 'portfolio', 'USDT');
      expect(held.map(({ quantity, cost }) => [quantity, cost])).toEqual(
        holding === undefined || holding.quantity === 0n ? [] : [[holding.quantity, holding.cost]],
      );
    }
  });
});
