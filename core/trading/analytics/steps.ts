import { parseSum, type Decimal } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

/** Whose portfolios are meant; nobody named, all of them. */
export interface Whose {
  userId?: string | undefined;
  portfolioId?: string | undefined;
}

/** A change of what there is of an asset. Those of one moment come in the order they happened in. */
export interface Step {
  atUs: number;
  asset: string;
  amount: Decimal;
  /** Paid in or out, and not traded. */
  isFlow: boolean;
}

export interface StepsQuery extends Whose {
  fromUs: number;
  toUs: number;
  /** Whether each event stands by itself, not only where money moved: what hours add up to is less to read. */
  isFine: boolean;
}

const stepsMax = 250_000;
const stepsSql = sqlFile(import.meta.url, 'sql/steps.sql');

/**
 * What changed up to `toUs`, in its order; steps before `fromUs` are summed up at time 0. Where not all are fine, what was
 * traded in an hour without deposits and withdrawals stands at its end.
 * @throws BAD_REQUEST where it is too much to answer from
 */
export async function readSteps(db: Pick<Transaction, 'query'>, query: StepsQuery): Promise<Step[]> {
  const { userId, portfolioId, fromUs, toUs, isFine } = query;
  const { rows } = await db.query<Omit<Step, 'amount'> & { amount: string }>(stepsSql, [
    ...[userId ?? null, portfolioId ?? null, fromUs, toUs, isFine, stepsMax + 1],
  ]);
  if (rows.length > stepsMax)
    throw new TicklakeError('BAD_REQUEST', `more than ${stepsMax} changes of balances are in this window`, {
      remedy: 'Ask for a longer interval, or for less time.',
    });
  return rows.map(({ amount, ...step }) => ({ ...step, amount: parseSum(amount) }));
}
