import { decimalText, parseDecimal, zero, type Decimal } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { verifyChain, type ChainReport } from './audit.ts';
import type { Portfolio } from './portfolio.ts';
import { readPortfolio } from './read.ts';
import { replay, storedEvents } from './replay.ts';

/** A figure that is not the same from two sources. */
export interface Difference {
  /** Against what the stored rows were held: the ledger's sums, or the events replayed. */
  against: 'ledger' | 'events';
  /** As `balances.USDT.available`. */
  figure: string;
  stored: string | null;
  expected: string | null;
}

export interface Reconciliation {
  portfolioId: string;
  /** Events it had at that moment. */
  number: number;
  chain: ChainReport;
  differences: Difference[];
}

/**
 * Recomputes a portfolio from its ledger and from its events, as of one moment, and names each figure that is not as
 * stored; none where the books are right.
 * @throws NOT_FOUND; the signal's reason once it is aborted
 */
export async function reconcile(
  database: Database,
  portfolioId: string,
  signal?: AbortSignal,
): Promise<Reconciliation> {
  return await database.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const stored = await readPortfolio(tx, portfolioId);
    if (stored === undefined)
      throw new TicklakeError('NOT_FOUND', `there is no portfolio ${portfolioId}`, {
        remedy: 'Name a portfolio by its id.',
      });
    const { portfolio, hash } = stored;
    const head = { number: portfolio.number, hash, source: 'the head in Postgres' };
    const chain = await verifyChain(portfolioId, storedEvents(tx, portfolioId, signal), [head]);
    const figures = figuresOf(portfolio);
    const differences = compare('ledger', balancesOf(figures), await ledgerBalances(tx, portfolioId));
    if (chain.fault === undefined) {
      const replayed = figuresOf(await replay(tx, portfolioId, { signal }));
      differences.push(...compare('events', figures, replayed));
    }
    return { portfolioId, number: portfolio.number, chain, differences };
  });
}

type Figures = ReadonlyMap<string, string>;

/** Every figure of a portfolio by its path. */
export function figuresOf(portfolio: Portfolio): Figures {
  const figures = new Map<string, string>();
  const add = (path: string, value: unknown): void => {
    if (typeof value === 'bigint') figures.set(path, decimalText(value as Decimal));
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of membersOf(value))
        add(path === '' ? String(name) : `${path}.${String(name)}`, member);
    else if (value !== undefined) figures.set(path, String(value));
  };
  add('', portfolio);
  return figures;
}

/** Of maps and arrays what they hold, of other objects their own properties. */
function membersOf(value: object): Iterable<[unknown, unknown]> {
  return Symbol.iterator in value && 'entries' in value
    ? (value as ReadonlyMap<unknown, unknown>).entries()
    : Object.entries(value);
}

function balancesOf(figures: Figures): Figures {
  return new Map([...figures].filter(([path]) => path.startsWith('balances.')));
}

async function ledgerBalances(tx: Transaction, portfolioId: string): Promise<Figures> {
  const { rows } = await tx.query<{ path: string; amount: string }>(
    `select 'balances.' || asset || '.' || account as path, sum(amount) as amount from trading.ledger
      where portfolio_id = $1 and account in ('available', 'held') group by asset, account`,
    [portfolioId],
  );
  return new Map(rows.map(({ path, amount }) => [path, decimalText(parseDecimal(amount))]));
}

/** A figure of the ledger that is nowhere is zero. */
function compare(against: Difference['against'], stored: Figures, expected: Figures): Difference[] {
  const missing = against === 'ledger' ? decimalText(zero) : null;
  const paths = new Set([...stored.keys(), ...expected.keys()]);
  return [...paths].sort().flatMap((figure) => {
    const [is, wanted] = [stored.get(figure) ?? missing, expected.get(figure) ?? missing];
    return is === wanted ? [] : [{ against, figure, stored: is, expected: wanted }];
  });
}
