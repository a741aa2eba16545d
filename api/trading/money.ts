import { parseDecimal } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Balance, Holding, Portfolio } from '#core/trading/portfolio.ts';
import type { PortfolioFacts } from '#core/trading/read.ts';

/** What a portfolio has, without the orders and lots that it follows from. */
export interface Money extends Pick<Portfolio, 'number' | 'risk' | 'cancelAfterUs'> {
  balances: ReadonlyMap<string, Balance>;
  holdings: readonly Omit<Holding, 'lots'>[];
  openOrders: number;
}

interface MoneyRow extends PortfolioFacts {
  number: number;
  risk: Portfolio['risk'];
  cancelAfterUs: number | null;
  balances: { asset: string; available: string; held: string }[];
  holdings: Record<keyof Omit<Holding, 'lots'>, string>[];
  openOrders: number;
}

const portfolioSql = sqlFile(import.meta.url, 'sql/portfolio.sql');

/** A portfolio's money as it is stored; however many orders it has, it costs the same. */
export async function readMoney(
  database: Database,
  portfolioId: string,
): Promise<{ facts: PortfolioFacts; money: Money }> {
  const { rows } = await database.queryPrepared<MoneyRow>('portfolio', portfolioSql, [portfolioId]);
  const [row] = rows;
  if (row === undefined) throw new TicklakeError('INTERNAL', `portfolio ${portfolioId} has no head`);
  const { id, userId, name, openedAtUs, venue, number, risk, cancelAfterUs, openOrders } = row;
  return {
    facts: { id, userId, name, openedAtUs, venue },
    money: {
      ...{ number, risk, openOrders },
      ...(cancelAfterUs === null ? {} : { cancelAfterUs }),
      balances: new Map(
        row.balances.map(({ asset, available, held }) => [
          asset,
          { available: parseDecimal(available), held: parseDecimal(held) },
        ]),
      ),
      holdings: row.holdings.map((holding) => ({
        ...{ base: holding.base, quote: holding.quote },
        quantity: parseDecimal(holding.quantity),
        cost: parseDecimal(holding.cost),
        realizedAverage: parseDecimal(holding.realizedAverage),
        realizedFifo: parseDecimal(holding.realizedFifo),
      })),
    },
  };
}

/** The same of a portfolio that was replayed. */
export function moneyOf(portfolio: Portfolio): Money {
  const { number, risk, cancelAfterUs, balances, holdings, orders } = portfolio;
  return {
    ...{ number, risk, balances, holdings: [...holdings.values()], openOrders: orders.size },
    ...(cancelAfterUs === undefined ? {} : { cancelAfterUs }),
  };
}
