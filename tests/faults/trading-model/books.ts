import type { Database } from '#core/platform/postgres/database.ts';
import { heldAsset } from '#core/trading/ledger.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { figuresOf, reconcile } from '#core/trading/reconcile.ts';

/** What is stored of a portfolio and is not as it must be, by what is stored alone and beside what it is in memory. */
export async function bookFaults(database: Database, expected: Portfolio): Promise<string[]> {
  const { id } = expected;
  const { chain, differences } = await reconcile(database, id);
  const stored = await readPortfolio(database, id);
  const is = stored === undefined ? new Map<string, string>() : figuresOf(stored.portfolio);
  const wanted = figuresOf(expected);
  const unlike = [...new Set([...is.keys(), ...wanted.keys()])].filter(
    (figure) => is.get(figure) !== wanted.get(figure),
  );
  return [
    ...(chain.fault === undefined ? [] : [`chain: ${chain.fault.number}: ${chain.fault.detail}`]),
    ...differences.map((difference) => `books: ${JSON.stringify(difference)}`),
    ...unlike.map((figure) => `state: ${figure} is ${is.get(figure)}, not ${wanted.get(figure)}`),
    ...heldFaults(expected),
    ...(await sqlFaults(database, id)),
  ];
}

function heldFaults({ orders, balances }: Portfolio): string[] {
  const sums = new Map<string, bigint>();
  for (const order of orders.values())
    sums.set(heldAsset(order), (sums.get(heldAsset(order)) ?? 0n) + order.held);
  return [...balances].flatMap(([asset, { held }]) =>
    held === (sums.get(asset) ?? 0n) ? [] : [`held: ${held} of ${asset}, orders hold ${sums.get(asset)}`],
  );
}

/** Each gives a row where something is wrong. */
const faultSql = {
  'available + held is not what came in, less what went out': `
    select asset from trading.balances b
      full join (select asset, -sum(amount) as total from trading.ledger
                  where portfolio_id = $1 and account in ('external', 'market', 'fees') group by asset) l using (asset)
     where coalesce(b.portfolio_id, $1) = $1 and coalesce(b.available + b.held, 0) <> coalesce(l.total, 0)`,
  'something is negative': `
    select asset from trading.balances where portfolio_id = $1 and (available < 0 or held < 0)`,
  'an event books what does not sum to zero': `
    select number from trading.ledger where portfolio_id = $1 group by number, asset having sum(amount) <> 0`,
  'an event is missing, or one too many': `
    select count(*) from trading.events e join trading.heads h using (portfolio_id) where portfolio_id = $1
    having count(*) <> max(h.number) or max(e.number) <> max(h.number) or min(e.number) <> 1`,
  'an event does not go out once': `
    select number from trading.events e full join trading.outbox o using (portfolio_id, number)
     where portfolio_id = $1 group by number
    having count(e.body) <> 1 or count(o.*) <> 1`,
  'an order is not as its last event says': `
    select order_id from trading.orders o
      cross join lateral (select body::jsonb as body from trading.events e
                           where e.portfolio_id = $1 and e.subject_id = o.order_id::text
                           order by number desc limit 1) last
     where portfolio_id = $1 and status <> coalesce(last.body #>> '{order,status}', 'rejected')`,
};

async function sqlFaults(database: Database, id: string): Promise<string[]> {
  const faults: string[] = [];
  for (const [fault, sql] of Object.entries(faultSql)) {
    const { rows } = await database.query(sql, [id]);
    faults.push(...rows.map((row) => `${fault}: ${JSON.stringify(row)}`));
  }
  return faults;
}
