import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';

type Reader = Pick<Transaction, 'query'>;

/** The right to act for the account at a venue: nobody else does while it is renewed in time. */
export interface AccountLease {
  source: string;
  portfolioId: string;
  /** Of who took it last; earlier ones write nothing any more. */
  epoch: number;
}

/** Takes the account at a venue; undefined while another process has it, or no portfolio is its. */
export async function takeAccount(
  db: Reader,
  source: string,
  leaseMs: number,
): Promise<AccountLease | undefined> {
  const { rows } = await db.query<{ portfolioId: string; epoch: number }>(
    `update trading.live_accounts
        set (epoch, lease_until) = row(epoch + 1, clock_timestamp() + $2 * interval '1 millisecond')
      where source = $1 and lease_until < clock_timestamp()
     returning portfolio_id as "portfolioId", epoch`,
    [source, leaseMs],
  );
  const [row] = rows;
  return row && { source, portfolioId: row.portfolioId, epoch: row.epoch };
}

/** Renews a lease from now on; false where another process has taken the account. */
export async function renewAccount(
  db: Reader,
  { source, epoch }: AccountLease,
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update trading.live_accounts set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      where source = $1 and epoch = $2`,
    [source, epoch, leaseMs],
  );
  return rowCount === 1;
}

/** Leaves the account to who asks for it next. */
export async function leaveAccount(db: Reader, { source, epoch }: AccountLease): Promise<void> {
  await db.query(
    `update trading.live_accounts set lease_until = '-infinity' where source = $1 and epoch = $2`,
    [source, epoch],
  );
}

/** Proves that the account is still ours, and keeps it so to the transaction's end. @throws FENCED */
export async function ownAccount(tx: Reader, { source, epoch }: AccountLease): Promise<void> {
  const { rowCount } = await tx.query(
    'select from trading.live_accounts where source = $1 and epoch = $2 for share',
    [source, epoch],
  );
  if (rowCount === 1) return;
  throw new TicklakeError('FENCED', `another process acts for the account at ${source}`, {
    remedy: 'Leave the account: the other process goes on with its orders.',
  });
}

/** By symbol: the first fill that is not booked. */
export async function nextFillIds(db: Reader, source: string): Promise<Map<string, number>> {
  const { rows } = await db.query<{ symbol: string; nextFillId: number }>(
    'select symbol, next_fill_id as "nextFillId" from trading.live_fills where source = $1 order by symbol',
    [source],
  );
  return new Map(rows.map(({ symbol, nextFillId }) => [symbol, nextFillId]));
}

/** Fills of a market are booked from here on; where they are already, it stays as it is. */
export async function startFills(
  tx: Reader,
  { source }: AccountLease,
  symbol: string,
  nextFillId: number,
): Promise<void> {
  await tx.query(
    'insert into trading.live_fills (source, symbol, next_fill_id) values ($1, $2, $3) on conflict do nothing',
    [source, symbol, nextFillId],
  );
}

/** The fills of a market in [from, to) are booked with this transaction. @throws FENCED where some were booked before */
export async function moveFills(
  tx: Reader,
  { source }: AccountLease,
  symbol: string,
  { from, to }: { from: number; to: number },
): Promise<void> {
  const { rowCount } = await tx.query(
    'update trading.live_fills set next_fill_id = $4 where source = $1 and symbol = $2 and next_fill_id = $3',
    [source, symbol, from, to],
  );
  if (rowCount === 1) return;
  throw new TicklakeError('FENCED', `fills of ${symbol} from ${from} on were booked meanwhile`, {
    remedy: 'Read again how far fills are booked.',
  });
}
