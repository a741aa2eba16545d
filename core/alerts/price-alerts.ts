import { randomUUID } from 'node:crypto';
import { decimalText, parseDecimal, type Decimal } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { atMicroseconds, microseconds } from './microseconds.ts';

/** A price that a user wants to be told of, once: of the first trade at it or beyond it. */
export interface PriceAlert {
  priceAlertId: string;
  source: string;
  symbol: string;
  direction: 'above' | 'below';
  price: Decimal;
  note: string | null;
  createdAt: Date;
  /** When it was told; null while it waits. */
  raisedAt: Date | null;
}

export interface NewPriceAlert {
  userId: string;
  source: string;
  symbol: string;
  direction: 'above' | 'below';
  price: Decimal;
  note?: string | undefined;
  /** The market's newest trade: later ones may reach the price. -1 where none is known. */
  afterTradeId: number;
}

/** One that waits for its price. */
export interface WaitingPriceAlert extends Omit<PriceAlert, 'createdAt' | 'raisedAt'> {
  userId: string;
  afterTradeId: number;
}

/** That may wait at a time, of one user. */
export const priceAlertsMax = 100;
const columns = `price_alert_id as "priceAlertId", source, symbol, direction, trim_scale(price)::text as price, note,
  created_at as "createdAt", raised_at as "raisedAt"`;

type Row<T> = Omit<T, 'price'> & { price: string };

/** @throws CONFLICT for a user who has {@link priceAlertsMax} that wait */
export async function setPriceAlert(database: Database, asked: NewPriceAlert): Promise<PriceAlert> {
  const { userId, source, symbol, direction, price, note, afterTradeId } = asked;
  return await database.transaction(async (tx) => {
    // One at a time for each user, so that the bound holds.
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('price alerts ' || $1, 0))`, [userId]);
    const { rows } = await tx.query<Row<PriceAlert>>(
      `insert into alerts.price_alerts
         (price_alert_id, user_id, source, symbol, direction, price, note, after_trade_id)
       select $1, $2, $3, $4, $5, $6, $7, $8
        where (select count(*) from alerts.price_alerts where user_id = $2 and raised_at is null) < $9
       returning ${columns}`,
      [
        ...[randomUUID(), userId, source, symbol, direction, decimalText(price), note ?? null],
        ...[afterTradeId, priceAlertsMax],
      ],
    );
    if (rows[0] !== undefined) return priced(rows[0]);
    throw new TicklakeError('CONFLICT', `a user has at most ${priceAlertsMax} price alerts that wait`, {
      remedy: 'Delete one that is not needed: DELETE /v1/price-alerts/ID.',
    });
  });
}

/** A user's, the newest first; those that were told stay in the list until they are deleted. */
export async function listPriceAlerts(
  db: Transaction,
  userId: string,
  { after, limit }: { after?: { timeUs: number; id: string } | undefined; limit: number },
): Promise<(PriceAlert & { createdUs: number })[]> {
  const { rows } = await db.query<Row<PriceAlert & { createdUs: number }>>(
    `select ${columns}, ${microseconds('created_at')} as "createdUs" from alerts.price_alerts
      where user_id = $1 and ($2::bigint is null or (created_at, price_alert_id) < (${atMicroseconds('$2')}, $3::uuid))
      order by created_at desc, price_alert_id desc limit $4`,
    [userId, after?.timeUs ?? null, after?.id ?? null, limit],
  );
  return rows.map(priced);
}

/** @throws NOT_FOUND where the user has no such one */
export async function deletePriceAlert(db: Transaction, userId: string, priceAlertId: string): Promise<void> {
  const { rowCount } = await db.query(
    'delete from alerts.price_alerts where user_id = $1 and price_alert_id = $2',
    [userId, priceAlertId],
  );
  if (rowCount > 0) return;
  throw new TicklakeError('NOT_FOUND', `there is no price alert ${priceAlertId}`, {
    remedy: 'GET /v1/price-alerts lists yours.',
  });
}

/** All that wait, of all users. */
export async function waitingPriceAlerts(db: Transaction): Promise<WaitingPriceAlert[]> {
  const { rows } = await db.query<Row<WaitingPriceAlert>>(
    `select ${columns}, user_id as "userId", after_trade_id as "afterTradeId"
       from alerts.price_alerts where raised_at is null`,
  );
  return rows.map(priced);
}

/** Those of them that nobody has told meanwhile, and that were not deleted: from now on they are told. */
export async function takePriceAlerts(
  tx: Transaction,
  reached: readonly { priceAlertId: string; tradeId: number }[],
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string }>(
    `update alerts.price_alerts p set raised_at = clock_timestamp(), raised_trade_id = r.trade_id
       from unnest($1::uuid[], $2::bigint[]) as r (price_alert_id, trade_id)
      where p.price_alert_id = r.price_alert_id and p.raised_at is null returning p.price_alert_id as id`,
    [reached.map(({ priceAlertId }) => priceAlertId), reached.map(({ tradeId }) => tradeId)],
  );
  return new Set(rows.map(({ id }) => id));
}

function priced<T extends { price: string }>(row: T): Omit<T, 'price'> & { price: Decimal } {
  return { ...row, price: parseDecimal(row.price) };
}
