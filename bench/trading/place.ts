import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Benchmark, Figures } from '#bench/benchmark.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { units, zero } from '#core/market/decimal.ts';
import { canonicalText } from '#core/trading/codec.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { load, type Run } from './load.ts';
import { openMarketOrders, type MarketOrders } from './orders.ts';

const portfolios = 1_000;
const peerConnections = 16;
const p99TargetMs = 50;

/**
 * Durable placements a second, so many in flight, beside a function of SQL that places one order, called once for each from
 * a pool of 16: the same rows, the same checks. And one hot portfolio beside a thousand.
 */
export async function place(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const { metrics } = runtime;
  const { database } = runtime.lake;
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  const ours = await market.openPortfolios(writer, portfolios);
  const theirs = await market.openPortfolios(writer, portfolios);
  const [hot = ''] = await market.openPortfolios(writer, 1);
  await database.query(sqlFile(import.meta.url, 'one-order.sql'));
  const peer = new pg.Pool({
    connectionString: database.pool.options.connectionString,
    max: peerConnections,
  });
  const submit = async (id: string): Promise<void> => {
    const command = market.placement(id);
    const { events } = await writer.submit(command, { key: command.orderId, bodyHash: 'body' });
    if (events[0]?.type !== 'order_accepted') throw new Error(`refused: ${canonicalText(events)}`);
  };
  const call = (id: string): Promise<void> => placeOne(peer, market, id);
  const runs = {
    ours: (inFlight: number) => load(inFlight, ours, submit),
    peer: (inFlight: number) => load(inFlight, theirs, call),
    hot: (inFlight: number) => load(inFlight, [hot], submit),
  };
  for (const run of Object.values(runs)) await run(64);

  const unit = 'orders/s';
  const peerName = 'one function call an order, pool of 16';
  return {
    lines: [
      { name: 'trading.place', unit, peerName },
      { name: 'trading.place_256', unit, peerName },
      { name: 'trading.place_p99', unit: 'ms, p99 of 64', peerName: 'the target' },
      { name: 'trading.hot_account', unit, peerName: 'a thousand accounts' },
    ],
    async round() {
      const [few, fewOfPeer] = [await runs.ours(64), await runs.peer(64)];
      const [many, manyOfPeer] = [await runs.ours(256), await runs.peer(256)];
      // It begins like the others, which have few open orders each.
      const atUs = Date.now() * 1_000;
      await writer.submit({ portfolioId: hot, atUs, kind: 'cancel_all', reason: 'requested' });
      const hotRun = await runs.hot(256);
      for (const id of [hot, ours[0] ?? '']) {
        const { differences, chain } = await reconcile(database, id);
        if (differences.length > 0 || chain.fault !== undefined) throw new Error('the books are wrong');
      }
      return [
        beside(few, fewOfPeer),
        beside(many, manyOfPeer),
        { ours: few.p99Ms, peer: p99TargetMs },
        beside(hotRun, many),
      ];
    },
    async close() {
      await writer.close();
      await peer.end();
      await runtime.close();
    },
  };
}

function beside(ours: Run, peer: Run): Figures {
  return { ours: ours.perSecond, peer: peer.perSecond };
}

async function placeOne(pool: pg.Pool, market: MarketOrders, id: string): Promise<void> {
  const { orderId, request, atUs } = market.placement(id);
  const order = {
    ...request,
    id: orderId,
    status: 'open',
    placedAtUs: atUs,
    held: units(10n ** 18n),
    fees: zero,
  };
  const text = canonicalText({ atUs, decision: { openOrders: 0, ordersInMinute: 0 }, order }).slice(1);
  const { rows } = await pool.query<{ number: string | null }>({
    name: 'place_one',
    text: 'select bench_place_one($1, $2, $3, $4, $5, $6, $7, $8, $9) as number',
    values: [id, orderId, randomUUID(), 'body', '0.01', '100', '100', text, atUs],
  });
  if (rows[0]?.number === null) throw new Error('the peer refused an order');
}
