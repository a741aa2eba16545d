import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { Passwords } from './passwords.ts';
import type { Role } from './roles.ts';
import type { SigningKeys } from './signing-key.ts';
import { csrfHashOf, notSignedIn, readToken, signToken } from './tokens.ts';
import { normalEmail } from './users.ts';

/** Who asks. */
export interface Caller {
  userId: string;
  role: Role;
  sessionId: string;
  /** What the CSRF token of a cookie's request must hash to. */
  csrfHash: string;
}

export interface NewSession {
  token: string;
  expiresAt: Date;
  /** Sent back as a header by pages, whose token is in a cookie. */
  csrfToken: string;
  userId: string;
}

export interface Sessions {
  /**
   * Begins a session. Answers alike, and takes alike long, for a wrong password and for a user there is not.
   * @throws UNAUTHENTICATED, OVERLOADED
   */
  signIn(email: string, password: string): Promise<NewSession>;
  /**
   * Who a token is of. A session that was ended by another process, and a role that was changed, count within
   * {@link believedMs}. @throws UNAUTHENTICATED
   */
  callerOf(token: string): Promise<Caller>;
  /** Ends one session: its token counts no longer. */
  end(sessionId: string): Promise<void>;
  /** Forgets what was looked up of a user, after all their sessions were ended. */
  forget(userId: string): void;
}

export interface SessionOptions {
  database: Database;
  keys: SigningKeys;
  passwords: Passwords;
  metrics: Metrics;
}

export const sessionHours = 24;
const sessionMs = sessionHours * 3_600_000;
/** How long what was looked up is believed. */
export const believedMs = 1_000;
const believedMax = 10_000;
const tokenLengthMax = 2_048;

interface Believed {
  caller: Caller;
  expiresAtMs: number;
}

/** Sessions on Postgres: a token counts while it is signed by us, not over, and its session has not ended. */
export function openSessions({ database, keys, passwords, metrics }: SessionOptions): Sessions {
  const signIns = metrics.counter('ticklake_identity_sign_ins_total', 'Attempts to sign in', ['outcome']);
  const believed = new LRUCache<string, Believed>({
    max: believedMax,
    ttl: believedMs,
    fetchMethod: lookUp,
  });

  async function lookUp(token: string): Promise<Believed> {
    const { userId, sessionId, csrfHash, expiresAtMs } = await readToken(keys, token);
    const { rows } = await database.query<{ role: Role }>(
      `select u.role from identity.sessions s join identity.users u using (user_id)
       where s.session_id = $1 and s.user_id = $2 and s.ended_at is null and s.expires_at > clock_timestamp()`,
      [sessionId, userId],
    );
    const [row] = rows;
    if (row === undefined) throw notSignedIn();
    return { caller: { userId, sessionId, csrfHash, role: row.role }, expiresAtMs };
  }

  function forgetWhere(isMeant: (caller: Caller) => boolean): void {
    for (const [token, { caller }] of believed.entries()) if (isMeant(caller)) believed.delete(token);
  }

  return {
    async signIn(email, password) {
      const { rows } = await database.query<{ userId: string; passwordHash: string }>(
        'select user_id as "userId", password_hash as "passwordHash" from identity.users where email = $1',
        [normalEmail(email)],
      );
      const [user] = rows;
      const isRight = await passwords.verify(password, user?.passwordHash);
      signIns.inc({ outcome: isRight ? 'accepted' : 'refused' });
      if (!isRight || user === undefined) throw wrongCredentials();
      return await begin(user);
    },
    async callerOf(token) {
      if (token.length > tokenLengthMax) throw notSignedIn();
      const entry = await believed.fetch(token);
      if (entry === undefined || entry.expiresAtMs <= Date.now()) throw notSignedIn();
      return entry.caller;
    },
    async end(sessionId) {
      await database.query(
        `update identity.sessions set ended_at = clock_timestamp(), ended_by = 'sign_out'
         where session_id = $1 and ended_at is null`,
        [sessionId],
      );
      forgetWhere((caller) => caller.sessionId === sessionId);
    },
    forget(userId) {
      forgetWhere((caller) => caller.userId === userId);
    },
  };

  /** Only where the password is still the one that was compared: a change of it may have come in between. */
  async function begin(user: { userId: string; passwordHash: string }): Promise<NewSession> {
    const [sessionId, csrfToken] = [randomUUID(), randomBytes(32).toString('base64url')];
    const expiresAt = new Date(Math.floor((Date.now() + sessionMs) / 1000) * 1000);
    const { rowCount } = await database.query(
      `with over as (delete from identity.sessions where user_id = $2 and expires_at < clock_timestamp())
       insert into identity.sessions (session_id, user_id, expires_at)
       select $1, user_id, $4 from identity.users where user_id = $2 and password_hash = $3 for share`,
      [sessionId, user.userId, user.passwordHash, expiresAt],
    );
    if (rowCount === 0) throw wrongCredentials();
    const claims = { userId: user.userId, sessionId, csrfHash: csrfHashOf(csrfToken) };
    const token = await signToken(keys, { ...claims, expiresAtMs: expiresAt.getTime() });
    return { token, expiresAt, csrfToken, userId: user.userId };
  }
}

function wrongCredentials(): TicklakeError {
  return new TicklakeError('UNAUTHENTICATED', 'the address or the password is wrong', {
    remedy: 'Check both; POST /v1/users makes a user.',
  });
}
