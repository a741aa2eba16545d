import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Order } from '#core/trading/order.ts';
import { orderOf, type OrderRow } from '#core/trading/rows.ts';

const openOrdersSql = sqlFile(import.meta.url, 'sql/open-orders.sql');

/** Orders that are not over, of all markets, as they were placed: all, or only those that are not active yet. */
export async function openOrders(
  database: Transaction,
  which: 'all' | 'waiting',
): Promise<(readonly [portfolioId: string, order: Order])[]> {
  // As text, so that the index of those that wait is used.
  const condition = which === 'all' ? 'true' : 'active_after_trade_id < 0';
  const { rows } = await database.query<OrderRow>(openOrdersSql.replace('$which', condition));
  return rows.map((row) => [row.portfolioId, orderOf(row)] as const);
}
