import { createHash } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

/** An account, whether there is one or not, and where the attempt comes from. */
export interface Attempt {
  account: string;
  address: string;
}

/**
 * Wrong passwords lock an account for the address they come from: after {@link allowedFromAddress} for a minute, then for
 * twice as long each time, a quarter of an hour at most. Guesses from many addresses lock it for all. Accounts that there are
 * not are locked like others. A day without attempts forgets them.
 */
export interface LockOut {
  /** Counts an attempt before its password is compared, so that attempts at a time are as many; whether it is the last for now. @throws RATE_LIMITED */
  begin(attempt: Attempt): Promise<boolean>;
  /** The password was right. */
  clear(attempt: Attempt): Promise<void>;
}

export const allowedFromAddress = 5;
export const allowedFromAll = 50;
const pruneMs = 600_000;

const attemptSql = sqlFile(import.meta.url, 'sql/attempt.sql');

export function openLockOut(database: Database): LockOut {
  let prunedAtMs = 0;

  return {
    async begin(attempt) {
      await prune();
      const keys = keysOf(attempt);
      const { rows } = await database.query<{ isLocking: boolean }>(attemptSql, [
        keys,
        [allowedFromAddress, allowedFromAll],
      ]);
      if (rows.length < keys.length) throw await locked(keys);
      return rows.some(({ isLocking }) => isLocking);
    },
    async clear(attempt) {
      await database.query('delete from identity.sign_in_failures where key = any ($1)', [keysOf(attempt)]);
    },
  };

  async function locked(keys: readonly Buffer[]): Promise<TicklakeError> {
    const { rows } = await database.query<{ seconds: number | null }>(
      `select ceil(extract(epoch from max(locked_until) - clock_timestamp()))::int as seconds
       from identity.sign_in_failures where key = any ($1)`,
      [keys],
    );
    const retryAfterSeconds = Math.max(1, rows[0]?.seconds ?? 1);
    return new TicklakeError('RATE_LIMITED', 'too many attempts to sign in', {
      remedy: `Try again in ${retryAfterSeconds} seconds.`,
      context: { retryAfterSeconds },
    });
  }

  async function prune(): Promise<void> {
    if (Date.now() - prunedAtMs < pruneMs) return;
    prunedAtMs = Date.now();
    await database.query(
      `delete from identity.sign_in_failures where last_at < statement_timestamp() - interval '1 day'`,
    );
  }
}

/** By their hash: what is typed as an address may be a secret. */
function keysOf({ account, address }: Attempt): Buffer[] {
  return [`${account} from ${address}`, account].map((text) => createHash('sha256').update(text).digest());
}
