import { add, decimalText, parseDecimal, zero, type Decimal } from '#core/market/decimal.ts';
import { query } from '#core/lake/engine.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { Fill } from '#core/trading/event.ts';
import type { Order } from '#core/trading/order.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import type { Runtime } from '#cli/runtime.ts';

/** What is stored after a load of orders, counted, and what of it must not be. */
export interface TradingAudit {
  counts: { orders: number; events: number; fills: number };
  faults: TradingFaults;
}

export interface TradingFaults {
  /** Orders whose events do not begin with one placement. */
  placedOtherwise: number;
  /** Numbers that no event has, or heads that are not of the newest event. */
  eventsMissing: number;
  /** Portfolios whose books or chain are wrong. */
  wrongBooks: number;
  /** Of the ledger: what does not sum to zero. */
  unbalanced: number;
  /** Fills of an order by a trade that had filled it before. */
  filledTwice: number;
  /** Trades of which resting orders of a portfolio got more than there was, or fills by trades that are not on the tape. */
  overfilled: number;
  /** Fills of resting orders by trades that did not come to their price. */
  notReached: number;
  /** Open orders that a trade went past without filling them. */
  passedBy: number;
}

interface StoredFill {
  portfolioId: string;
  order: Order;
  fill: Fill;
}

interface TapeRow {
  price: Decimal;
  volume: Decimal;
}

const tradesPerQuery = 5_000;

/** Looks at all that was stored of trading; nobody writes any more. */
export async function auditTrading(runtime: Runtime): Promise<TradingAudit> {
  const { database } = runtime.connection;
  const fills = await storedFills(database);
  const tape = await tapeOf(runtime, fills);
  const resting = fills.filter(({ fill }) => fill.liquidity === 'maker');
  const shares = new Map<string, Decimal>();
  for (const { portfolioId, order, fill } of resting) {
    const key = `${portfolioId} ${tradeName(order.symbol, fill.tradeId)}`;
    shares.set(key, add(shares.get(key) ?? zero, fill.quantity));
  }
  const trades = new Set(fills.map(({ order, fill }) => `${order.id} ${fill.tradeId}`));
  const count = (sql: string): Promise<number> => countOf(database, sql);
  return {
    counts: {
      orders: await count('select count(*) as n from trading.orders'),
      events: await count('select count(*) as n from trading.events'),
      fills: fills.length,
    },
    faults: {
      placedOtherwise: await count(placedOtherwiseSql),
      eventsMissing: await count(eventsMissingSql),
      wrongBooks: await wrongBooks(database),
      unbalanced: await count(unbalancedSql),
      filledTwice: fills.length - trades.size,
      overfilled: [...shares].filter(([key, share]) => {
        const traded = tape.get(key.slice(key.indexOf(' ') + 1));
        return traded === undefined || share > traded.volume;
      }).length,
      notReached: resting.filter(({ order: { symbol, side, price = zero }, fill }) => {
        const traded = tape.get(tradeName(symbol, fill.tradeId));
        return traded === undefined || (side === 'buy' ? traded.price > price : traded.price < price);
      }).length,
      passedBy: await passedBy(runtime, fills, shares),
    },
  };
}

/** Ids of all orders that are stored, of those with a placement that was accepted or rejected, and of those that were cancelled. */
export async function storedOrders(database: Database): Promise<{
  ids: Set<string>;
  clientOrderIds: Set<string>;
  keys: Set<string>;
  canceled: Map<string, number>;
}> {
  const orders = await database.query<{ id: string; clientOrderId: string | null }>(
    'select order_id as id, client_order_id as "clientOrderId" from trading.orders',
  );
  const keys = await database.query<{ key: string }>('select key from trading.idempotency');
  const canceled = await database.query<{ id: string; n: number }>(
    `select subject_id as id, count(*)::integer as n from trading.events where type = 'order_canceled' group by 1`,
  );
  return {
    ids: new Set(orders.rows.map(({ id }) => id)),
    clientOrderIds: new Set(orders.rows.flatMap(({ clientOrderId }) => clientOrderId ?? [])),
    keys: new Set(keys.rows.map(({ key }) => key)),
    canceled: new Map(canceled.rows.map(({ id, n }) => [id, n])),
  };
}

const placedOtherwiseSql = `
  select count(*) as n from trading.orders o
   where (select array_agg(e.type order by e.number) from trading.events e
           where e.subject_id = o.order_id::text and e.type in ('order_accepted', 'order_rejected'))
         is distinct from array[case when o.status = 'rejected' then 'order_rejected' else 'order_accepted' end]`;

const eventsMissingSql = `
  select coalesce(sum(abs(h.number - coalesce(e.n, 0)) + abs(h.number - coalesce(e.newest, 0))), 0) as n
    from trading.heads h
    full join (select portfolio_id, count(*) as n, max(number) as newest from trading.events group by 1) e
         using (portfolio_id)`;

const unbalancedSql = `
  select count(*) as n from (
    select 1 from trading.ledger group by portfolio_id, number, asset having sum(amount) <> 0) wrong`;

async function countOf(database: Database, sql: string): Promise<number> {
  return Number((await database.query<{ n: number | string }>(sql)).rows[0]?.n);
}

async function wrongBooks(database: Database): Promise<number> {
  const { rows } = await database.query<{ id: string }>('select portfolio_id as id from trading.heads');
  let wrong = 0;
  for (const { id } of rows) {
    const { differences, chain } = await reconcile(database, id);
    if (differences.length > 0 || chain.fault !== undefined) wrong++;
  }
  return wrong;
}

async function storedFills(database: Database): Promise<StoredFill[]> {
  const { rows } = await database.query<{ body: string }>(
    `select body from trading.events where type = 'order_filled' order by portfolio_id, number`,
  );
  return rows.flatMap(({ body }) => {
    const { portfolioId, event } = parseEvent(body);
    return event.type === 'order_filled' ? [{ portfolioId, order: event.order, fill: event.fill }] : [];
  });
}

/** The trades that fills name, as they are in the lake. */
async function tapeOf(runtime: Runtime, fills: readonly StoredFill[]): Promise<Map<string, TapeRow>> {
  const tape = new Map<string, TapeRow>();
  const bySymbol = Map.groupBy(fills, ({ order }) => order.symbol);
  for (const [symbol, of] of bySymbol) {
    const ids = [...new Set(of.map(({ fill }) => fill.tradeId))];
    for (let at = 0; at < ids.length; at += tradesPerQuery) {
      const rows = await lakeRows<{ id: string; price: string; volume: string }>(
        runtime,
        `select trade_id::varchar as id, price::varchar as price, volume::varchar as volume from market.trades
          where symbol = '${symbol}' and trade_id in (${ids.slice(at, at + tradesPerQuery).join()})`,
      );
      for (const { id, price, volume } of rows)
        tape.set(tradeName(symbol, Number(id)), { price: parseDecimal(price), volume: parseDecimal(volume) });
    }
  }
  return tape;
}

/**
 * Orders that rest, and that a trade went beyond of which their portfolio did not get all. Where an order took at a trade,
 * the tape had been met up to that one.
 */
async function passedBy(
  runtime: Runtime,
  fills: readonly StoredFill[],
  shares: ReadonlyMap<string, Decimal>,
): Promise<number> {
  const metTo = new Map<string, number>();
  for (const { order, fill } of fills)
    if (fill.liquidity === 'taker')
      metTo.set(order.symbol, Math.max(fill.tradeId, metTo.get(order.symbol) ?? 0));
  interface Open {
    id: string;
    portfolioId: string;
    symbol: string;
    side: string;
    price: string;
    after: number;
  }
  const { rows } = await runtime.connection.database.query<Open>(
    `select order_id as id, portfolio_id as "portfolioId", symbol, side, price::text, active_after_trade_id as after
       from trading.orders
      where status in ('open', 'partially_filled') and price is not null and active_after_trade_id >= 0`,
  );
  if (rows.length === 0) return 0;
  const values = rows.map(({ id, portfolioId, symbol, side, price, after }) => {
    const to = metTo.get(symbol) ?? 0;
    return `('${id}', '${portfolioId}', '${symbol}', '${side}', ${price}::decimal(38, 18), ${after}, ${to})`;
  });
  const passed = await lakeRows<{
    id: string;
    portfolioId: string;
    symbol: string;
    trade: string;
    volume: string;
  }>(
    runtime,
    `select o.id, o.portfolio_id as "portfolioId", o.symbol, t.trade_id::varchar as trade, t.volume::varchar as volume
       from (values ${values.join()}) as o (id, portfolio_id, symbol, side, price, after, until)
       join market.trades t on t.symbol = o.symbol and t.trade_id > o.after and t.trade_id <= o.until
        and case when o.side = 'buy' then t.price < o.price else t.price > o.price end`,
  );
  const orders = passed.filter(({ portfolioId, symbol, trade, volume }) => {
    const share = shares.get(`${portfolioId} ${tradeName(symbol, Number(trade))}`);
    return share === undefined || decimalText(share) !== decimalText(parseDecimal(volume));
  });
  return new Set(orders.map(({ id }) => id)).size;
}

async function lakeRows<Row>({ lake, spillDir }: Runtime, sql: string): Promise<Row[]> {
  // The columns are those that the statement names.
  return (await query(lake, sql, { spillDir })).rows as Row[];
}

function tradeName(symbol: string, tradeId: number): string {
  return `${symbol} ${tradeId}`;
}
