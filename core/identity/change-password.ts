import { createHash, randomBytes } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { revokeAllKeys } from './api-keys.ts';
import { recordAudit, type AuditEvent } from './audit.ts';
import type { LockOut } from './lock-out.ts';
import type { Passwords } from './passwords.ts';
import { endAllSessions } from './sessions.ts';
import { namesOf, unknownUser, userById } from './users.ts';

/** Long enough to be brought to somebody, too short to be found later. */
export const resetHours = 1;
const tokenBytes = 32;

/**
 * Changes a password for who knows the present one, and ends all sessions of the user.
 * @throws UNAUTHENTICATED where the present one is wrong; RATE_LIMITED after several that were; BAD_REQUEST for a new one
 * that is too short, too long or easily guessed.
 */
export async function changePassword(
  { database, passwords, lockOut }: { database: Database; passwords: Passwords; lockOut: LockOut },
  asked: { userId: string; currentPassword: string; newPassword: string; address: string },
): Promise<void> {
  const { userId, address } = asked;
  const attempt = { account: `the password of ${userId}`, address };
  await lockOut.begin(attempt);
  const { rows } = await database.query<{ passwordHash: string; email: string; displayName: string | null }>(
    'select password_hash as "passwordHash", email, display_name as "displayName" from identity.users where user_id = $1',
    [userId],
  );
  const [user] = rows;
  if (!(await passwords.verify(asked.currentPassword, user?.passwordHash)) || user === undefined) {
    const detail = 'to change it';
    await recordAudit(database, { event: 'password_refused', actorId: userId, userId, address, detail });
    throw new TicklakeError('UNAUTHENTICATED', 'the present password is another one', {
      remedy: 'Send the present password as `currentPassword`.',
    });
  }
  await lockOut.clear(attempt);
  const passwordHash = await passwords.hash(asked.newPassword, namesOf(user));
  const by = { event: 'password_changed', endedBy: 'password_change', actorId: userId } as const;
  await database.transaction((tx) => storePassword(tx, { userId, passwordHash, address, ...by }));
}

/** Sets a password without asking for the present one, and ends all sessions and keys of the user. @throws NOT_FOUND */
export async function setPassword(
  database: Database,
  passwords: Passwords,
  asked: { userId: string; newPassword: string },
): Promise<void> {
  const { userId } = asked;
  const passwordHash = await passwords.hash(asked.newPassword, namesOf(await userById(database, userId)));
  await database.transaction((tx) =>
    storePassword(tx, { userId, passwordHash, event: 'password_set', endedBy: 'operator' }),
  );
}

/**
 * A token that sets a new password once, within {@link resetHours}; those that were made before count no longer. Needs the
 * owner's login. @throws NOT_FOUND
 */
export async function issueReset(
  database: Database,
  userId: string,
): Promise<{ token: string; expiresAt: Date }> {
  const token = randomBytes(tokenBytes).toString('base64url');
  return await database.transaction(async (tx) => {
    await tx.query('delete from identity.password_resets where user_id = $1', [userId]);
    const { rows } = await tx.query<{ expiresAt: Date }>(
      `insert into identity.password_resets (token_hash, user_id, expires_at)
       select $1, user_id, clock_timestamp() + $3 * interval '1 hour' from identity.users where user_id = $2
       returning expires_at as "expiresAt"`,
      [hashOf(token), userId, resetHours],
    );
    const [row] = rows;
    if (row === undefined) throw unknownUser();
    await recordAudit(tx, { event: 'password_reset_issued', userId });
    return { token, expiresAt: row.expiresAt };
  });
}

/**
 * Sets a new password for who has a token, and ends all sessions and keys of the user; whose.
 * @throws UNAUTHENTICATED for a token that does not count; BAD_REQUEST for a password that is too short, too long or easily guessed.
 */
export async function redeemReset(
  { database, passwords }: { database: Database; passwords: Passwords },
  asked: { token: string; newPassword: string; address: string },
): Promise<string> {
  const tokenHash = hashOf(asked.token);
  const counts = 'token_hash = $1 and used_at is null and expires_at > clock_timestamp()';
  // Hashing takes long, and is not for everybody.
  const { rows: known } = await database.query<{ email: string; displayName: string | null }>(
    `select email, display_name as "displayName" from identity.password_resets join identity.users using (user_id)
     where ${counts}`,
    [tokenHash],
  );
  const [user] = known;
  if (user === undefined) throw wrongToken();
  const passwordHash = await passwords.hash(asked.newPassword, namesOf(user));
  return await database.transaction(async (tx) => {
    const { rows } = await tx.query<{ userId: string }>(
      `update identity.password_resets set used_at = clock_timestamp() where ${counts}
       returning user_id as "userId"`,
      [tokenHash],
    );
    const userId = rows[0]?.userId;
    if (userId === undefined) throw wrongToken();
    const by = { event: 'password_reset', endedBy: 'password_reset' } as const;
    await storePassword(tx, { userId, passwordHash, address: asked.address, ...by });
    return userId;
  });
}

interface NewPassword {
  userId: string;
  passwordHash: string;
  event: AuditEvent;
  endedBy: 'password_change' | 'password_reset' | 'operator';
  actorId?: string;
  address?: string;
}

async function storePassword(tx: Transaction, asked: NewPassword): Promise<void> {
  const { userId, passwordHash, endedBy, event, actorId, address } = asked;
  const { rowCount } = await tx.query(
    'update identity.users set password_hash = $2, updated_at = clock_timestamp() where user_id = $1',
    [userId, passwordHash],
  );
  if (rowCount === 0) throw unknownUser();
  await endAllSessions(tx, userId, endedBy);
  // Who lost the password may have lost what it made.
  if (endedBy !== 'password_change') await revokeAllKeys(tx, userId);
  await recordAudit(tx, { event, actorId, userId, address });
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function wrongToken(): TicklakeError {
  return new TicklakeError('UNAUTHENTICATED', 'the token sets no password: it is wrong, used, or over', {
    remedy: 'Ask the operator for another one: `ticklake users reset` makes it.',
  });
}
