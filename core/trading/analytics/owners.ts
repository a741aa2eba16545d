import { parseSum, type Decimal } from '#core/market/decimal.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Whose } from './steps.ts';

type Reader = Pick<Transaction, 'query'>;
export type OwnerKind = 'user' | 'portfolio';

/** Who owns portfolios, or a portfolio itself. */
export interface Owner {
  id: string;
  userId: string;
  /** Of the first of their portfolios. */
  openedAtUs: number;
  portfolios: number;
}

/** What an owner holds of an asset that was bought for another, and what was paid for it, by average cost. */
export interface Held {
  ownerId: string;
  base: string;
  quantity: Decimal;
  cost: Decimal;
}

const ownersMax = 100_000;
const wanted = '($1::uuid is null or p.user_id = $1) and ($2::uuid is null or p.portfolio_id = $2)';
const columnOf: Record<OwnerKind, string> = { user: 'p.user_id', portfolio: 'p.portfolio_id' };

/** Those who are meant, by id; after one of them, where that is named. */
export async function readOwners(
  db: Reader,
  { userId, portfolioId }: Whose,
  by: OwnerKind,
  page: { after?: string | undefined; limit?: number } = {},
): Promise<Owner[]> {
  const owner = columnOf[by];
  const { rows } = await db.query<Owner>(
    `select ${owner} as id, min(p.user_id::text) as "userId", min(p.opened_at_us) as "openedAtUs",
            count(*)::integer as portfolios
       from trading.portfolios p where ${wanted} and ($3::uuid is null or ${owner} > $3)
      group by ${owner} order by ${owner} limit $4`,
    [userId ?? null, portfolioId ?? null, page.after ?? null, page.limit ?? ownersMax],
  );
  return rows;
}

/** When the first of the portfolios that are meant was opened; undefined where there are none. */
export async function readFirstOpening(
  db: Reader,
  { userId, portfolioId }: Whose,
): Promise<number | undefined> {
  const { rows } = await db.query<{ openedAtUs: number | null }>(
    `select min(p.opened_at_us) as "openedAtUs" from trading.portfolios p where ${wanted}`,
    [userId ?? null, portfolioId ?? null],
  );
  return rows[0]?.openedAtUs ?? undefined;
}

/** What is held at this moment of all that was bought for one asset. */
export async function readHeld(
  db: Reader,
  { userId, portfolioId }: Whose,
  by: OwnerKind,
  quote: string,
): Promise<Held[]> {
  const { rows } = await db.query<{ ownerId: string; base: string; quantity: string; cost: string }>(
    `select ${columnOf[by]} as "ownerId", h.base, sum(h.quantity) as quantity, sum(h.cost) as cost
       from trading.holdings h join trading.portfolios p using (portfolio_id)
      where ${wanted} and h.quote = $3 and h.quantity > 0 group by 1, h.base`,
    [userId ?? null, portfolioId ?? null, quote],
  );
  return rows.map(({ quantity, cost, ...of }) => ({
    ...of,
    quantity: parseSum(quantity),
    cost: parseSum(cost),
  }));
}
