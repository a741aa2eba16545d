import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { recordAudit } from './audit.ts';
import type { LockOut } from './lock-out.ts';
import type { Passwords } from './passwords.ts';
import { idleMsMax } from './sessions.ts';

export interface Session {
  sessionId: string;
  createdAt: Date;
  /** When it was used last, to the minute. */
  seenAt: Date;
  expiresAt: Date;
}

const counts = `ended_at is null and expires_at > clock_timestamp()
  and seen_at > clock_timestamp() - ${idleMsMax} * interval '1 millisecond'`;

/** The sessions of a user that count, the newest first. */
export async function listSessions(database: Transaction, userId: string): Promise<Session[]> {
  const { rows } = await database.query<Session>(
    `select session_id as "sessionId", created_at as "createdAt", seen_at as "seenAt", expires_at as "expiresAt"
     from identity.sessions where user_id = $1 and ${counts} order by created_at desc, session_id`,
    [userId],
  );
  return rows;
}

/**
 * Ends one session of a user, or all but the one that asks, for who knows the password; how many.
 * @throws UNAUTHENTICATED where the password is wrong; RATE_LIMITED after several that were; NOT_FOUND where the named one
 * is none of theirs
 */
export async function endSessions(
  { database, passwords, lockOut }: { database: Database; passwords: Passwords; lockOut: LockOut },
  asked: {
    userId: string;
    password: string;
    /** The one to end; none for all but the one that asks. */
    sessionId?: string | undefined;
    asking: string;
    address: string;
  },
): Promise<number> {
  const { userId, sessionId, asking, address } = asked;
  const attempt = { account: `the password of ${userId}`, address };
  await lockOut.begin(attempt);
  const { rows } = await database.query<{ passwordHash: string }>(
    'select password_hash as "passwordHash" from identity.users where user_id = $1',
    [userId],
  );
  if (!(await passwords.verify(asked.password, rows[0]?.passwordHash))) {
    const detail = 'to end sessions';
    await recordAudit(database, { event: 'password_refused', actorId: userId, userId, address, detail });
    throw new TicklakeError('UNAUTHENTICATED', 'the password is another one', {
      remedy: 'Send the password that you sign in with.',
    });
  }
  await lockOut.clear(attempt);
  return await database.transaction(async (tx) => {
    const { rowCount } = await tx.query(
      `update identity.sessions set ended_at = clock_timestamp(), ended_by = 'sign_out'
       where user_id = $1 and ${counts} and case when $2::uuid is null then session_id <> $3 else session_id = $2 end`,
      [userId, sessionId ?? null, asking],
    );
    if (sessionId !== undefined && rowCount === 0) {
      throw new TicklakeError('NOT_FOUND', `there is no session ${sessionId}`, {
        remedy: 'GET /v1/sessions lists yours.',
      });
    }
    const detail = sessionId ?? `${rowCount} others`;
    await recordAudit(tx, { event: 'signed_out', actorId: userId, userId, address, detail });
    return rowCount;
  });
}
