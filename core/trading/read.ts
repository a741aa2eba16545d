import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { parseEvent, type StoredEvent } from './codec.ts';
import type { NumberedEvent } from './event.ts';
import type { Order, OrderStatus, RejectCode } from './order.ts';
import type { Portfolio } from './portfolio.ts';
import {
  orderOf,
  portfolioOf,
  selectingOrders,
  type HeadRow,
  type OrderRow,
  type PortfolioRows,
} from './rows.ts';

type Reader = Pick<Transaction, 'query'>;

/** What never changes of a portfolio. */
export interface PortfolioFacts {
  id: string;
  userId: string;
  name: string;
  openedAtUs: number;
  /** The venue that executes its orders; null where that is done on paper. */
  venue: string | null;
}

/** A portfolio as it is stored, with the hash of its newest event. */
export interface StoredPortfolio {
  facts: PortfolioFacts;
  portfolio: Portfolio;
  hash: Buffer;
}

/** An order as it is stored; a rejected one has an empty base and quote. */
export interface StoredOrder {
  portfolioId: string;
  order: Order;
  /** Of its newest event. */
  number: number;
  rejected?: { code: RejectCode; detail: string };
}

export interface OrderQuery {
  portfolioIds: readonly string[];
  source?: string | undefined;
  symbol?: string | undefined;
  statuses?: readonly OrderStatus[] | undefined;
  /** The page begins after this order. */
  after?: { placedAtUs: number; id: string } | undefined;
  limit: number;
}

/** A page of a portfolio's events. */
export interface EventQuery {
  /** Events with higher numbers, in their order; or with lower ones, the newest first. */
  after?: number | undefined;
  before?: number | undefined;
  limit: number;
}

const portfolioSql = sqlFile(import.meta.url, 'sql/read-portfolio.sql');
const ordersSql = selectingOrders(sqlFile(import.meta.url, 'sql/read-orders.sql'));
const openOrdersSql = selectingOrders(sqlFile(import.meta.url, 'sql/open-orders.sql'));
const factColumns = 'p.portfolio_id as id, user_id as "userId", name, opened_at_us as "openedAtUs", h.venue';
const facts = 'trading.portfolios p join trading.heads h using (portfolio_id)';
const settled = `type in ('deposited', 'withdrawn', 'order_filled')`;

/** The portfolio of this id (a UUID), all of it as of one moment. */
export async function readPortfolio(db: Reader, id: string): Promise<StoredPortfolio | undefined> {
  const { rows } = await db.query<HeadRow & PortfolioRows & Omit<PortfolioFacts, 'id'>>(portfolioSql, [id]);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { userId, name, openedAtUs, venue, hash } = row;
  return { facts: { id, userId, name, openedAtUs, venue }, portfolio: portfolioOf(row, row), hash };
}

/** Whose a portfolio is; cheaper than all of it. */
export async function readFacts(db: Reader, id: string): Promise<PortfolioFacts | undefined> {
  const sql = `select ${factColumns} from ${facts} where p.portfolio_id = $1`;
  return (await db.query<PortfolioFacts>(sql, [id])).rows[0];
}

/** A user's portfolios, the oldest first; `after` is the last of the page before. */
export async function listPortfolios(
  db: Reader,
  userId: string,
  { after, limit }: { after?: { openedAtUs: number; id: string } | undefined; limit: number },
): Promise<PortfolioFacts[]> {
  const { rows } = await db.query<PortfolioFacts>(
    `select ${factColumns} from ${facts}
      where user_id = $1 and ($2::bigint is null or (opened_at_us, p.portfolio_id) > ($2, $3::uuid))
      order by opened_at_us, p.portfolio_id limit $4`,
    [userId, after?.openedAtUs ?? null, after?.id ?? null, limit],
  );
  return rows;
}

/** Orders, the newest first. */
export async function listOrders(db: Reader, query: OrderQuery): Promise<StoredOrder[]> {
  const { portfolioIds, source, symbol, statuses, after, limit } = query;
  return await orders(db, [
    ...[portfolioIds, null, source ?? null, symbol ?? null, statuses ?? null],
    ...[after?.placedAtUs ?? null, after?.id ?? null, limit],
  ]);
}

/** An order that is not over, and whose it is. */
export type OpenOrder = readonly [portfolioId: string, order: Order];

/** Orders that are not over, of all portfolios, as they were placed: all, or only those that are not active yet. */
export async function readOpenOrders(db: Reader, which: 'all' | 'waiting'): Promise<OpenOrder[]> {
  // As text, so that the index of those that wait is used.
  const condition = which === 'all' ? 'true' : 'active_after_trade_id < 0';
  const { rows } = await db.query<OrderRow>(openOrdersSql.replace('$which', condition));
  return rows.map((row) => [row.portfolioId, orderOf(row)] as const);
}

/** The order of this id (a UUID), whosever it is. */
export async function readOrder(db: Reader, id: string): Promise<StoredOrder | undefined> {
  return (await orders(db, [null, id, null, null, null, null, null, 1]))[0];
}

/** Events of a portfolio as they are stored. */
export async function readEvents(
  db: Reader,
  portfolioId: string,
  { after, before, limit }: EventQuery,
): Promise<StoredEvent[]> {
  const { rows } = await db.query<{ number: number; text: string; hash: Buffer }>(
    `select number, body as text, hash from trading.events
      where portfolio_id = $1 and ($2::bigint is null or number > $2) and ($3::bigint is null or number < $3)
      order by number ${before === undefined ? '' : 'desc'} limit $4`,
    [portfolioId, after ?? null, before ?? null, limit],
  );
  return rows.map((row) => ({ portfolioId, ...row }));
}

/** All that has happened to an order, in its order. */
export async function readOrderEvents(
  db: Reader,
  portfolioId: string,
  orderId: string,
): Promise<NumberedEvent[]> {
  return await events(
    db,
    'select body from trading.events where portfolio_id = $1 and subject_id = $2 order by number',
    [portfolioId, orderId],
  );
}

/** Deposits, withdrawals and fills of a portfolio, the newest first; `before` is the lowest number of the page before. */
export async function readTransactions(
  db: Reader,
  portfolioId: string,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<NumberedEvent[]> {
  return await events(
    db,
    `select body from trading.events
      where portfolio_id = $1 and ${settled} and ($2::bigint is null or number < $2)
      order by number desc limit $3`,
    [portfolioId, before ?? null, limit],
  );
}

async function events(db: Reader, sql: string, params: readonly unknown[]): Promise<NumberedEvent[]> {
  const { rows } = await db.query<{ body: string }>(sql, params);
  return rows.map(({ body }) => parseEvent(body).event);
}

async function orders(db: Reader, params: readonly unknown[]): Promise<StoredOrder[]> {
  const { rows } = await db.query<
    OrderRow & { number: number; rejectCode: RejectCode | null; rejectDetail: string | null }
  >(ordersSql, params);
  return rows.map((row) => {
    const { portfolioId, number, rejectCode: code, rejectDetail: detail } = row;
    const stored = { portfolioId, order: orderOf(row), number };
    return code === null ? stored : { ...stored, rejected: { code, detail: detail ?? '' } };
  });
}
