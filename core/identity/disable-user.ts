import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { revokeAllKeys } from './api-keys.ts';
import { recordAudit } from './audit.ts';
import { endAllSessions } from './sessions.ts';
import { userById, type User } from './users.ts';

/**
 * Ends all sessions and keys of a user, who begins no new ones; what is theirs stays, open orders too. Who calls it also lets
 * `stopTelling` of core/alerts end what goes out to them. Needs the owner's login. @throws NOT_FOUND
 */
export async function disableUser(tx: Transaction, userId: string): Promise<User> {
  await tx.query(
    `update identity.users set disabled_at = clock_timestamp(), updated_at = clock_timestamp()
     where user_id = $1 and disabled_at is null`,
    [userId],
  );
  const user = await userById(tx, userId);
  await endAllSessions(tx, userId, 'operator');
  await revokeAllKeys(tx, userId);
  await recordAudit(tx, { event: 'user_disabled', userId });
  return user;
}

/** Lets a user sign in again, with the password they had. Needs the owner's login. @throws NOT_FOUND */
export async function enableUser(database: Database, userId: string): Promise<User> {
  return await database.transaction(async (tx) => {
    await tx.query(
      'update identity.users set disabled_at = null, updated_at = clock_timestamp() where user_id = $1',
      [userId],
    );
    const user = await userById(tx, userId);
    await recordAudit(tx, { event: 'user_enabled', userId });
    return user;
  });
}
