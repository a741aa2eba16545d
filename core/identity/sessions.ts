import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { holderOf, isApiKey, recordUse, type Scope } from './api-keys.ts';
import { recordAudit } from './audit.ts';
import type { KeyRing } from './key-ring.ts';
import type { LockOut } from './lock-out.ts';
import type { Passwords } from './passwords.ts';
import type { Role } from './roles.ts';
import { tokenMsMax } from './signing-key.ts';
import { csrfHashOf, notSignedIn, readToken, signToken } from './tokens.ts';
import { normalEmail } from './users.ts';

/** Who asks. */
export interface Caller {
  userId: string;
  role: Role;
  by: BySession | ByKey;
}

interface BySession {
  kind: 'session';
  sessionId: string;
  /** What the CSRF token of a cookie's request must hash to. */
  csrfHash: string;
}

interface ByKey {
  kind: 'key';
  keyId: string;
  scopes: readonly Scope[];
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
   * Begins a session for who asks from an address. Answers alike, and takes alike long, for a wrong password and for a
   * user there is not. @throws UNAUTHENTICATED, RATE_LIMITED while the account is locked, OVERLOADED
   */
  signIn(email: string, password: string, address?: string): Promise<NewSession>;
  /**
   * Who a token or a key is of. A session or key that was ended by another process, and a role that was changed, count
   * within {@link believedMs}. @throws UNAUTHENTICATED
   */
  callerOf(token: string, address?: string): Promise<Caller>;
  /** Ends one session: its token counts no longer. */
  end(sessionId: string, address?: string): Promise<void>;
  /** Ends the session of a token, where it still counts: another one takes its place. */
  endByToken(token: string, address?: string): Promise<void>;
  /** Forgets what was looked up of a user, after sessions or keys of theirs were ended. */
  forget(userId: string): void;
}

export interface SessionOptions {
  database: Database;
  keys: KeyRing;
  passwords: Passwords;
  lockOut: LockOut;
  metrics: Metrics;
}

/** One more, and the oldest is over. */
export const sessionsPerUserMax = 100;
/** A session that nobody uses for so long is over. */
export const idleMsMax = 8 * 3_600_000;
/** How long what was looked up is believed. */
export const believedMs = 1_000;
const believedMax = 10_000;
const tokenLengthMax = 2_048;
const sessionUseSql = sqlFile(import.meta.url, 'sql/session-use.sql');

interface Account {
  userId: string;
  passwordHash: string;
  isDisabled: boolean;
}

interface Believed {
  caller: Caller;
  expiresAtMs: number;
}

/** Sessions on Postgres: a token counts while it is signed by us, not over, and its session has not ended. */
export function openSessions({ database, keys, passwords, lockOut, metrics }: SessionOptions): Sessions {
  const signIns = metrics.counter('ticklake_identity_sign_ins_total', 'Attempts to sign in', ['outcome']);
  const believed = new LRUCache<string, Believed, string>({
    max: believedMax,
    ttl: believedMs,
    fetchMethod: (token, _stale, { context }) =>
      isApiKey(token) ? lookUpKey(token, context) : lookUpSession(token),
  });

  async function lookUpKey(key: string, address: string): Promise<Believed> {
    const holder = await holderOf(database, key);
    if (holder === undefined) throw notSignedIn();
    await recordUse(database, holder, address);
    const { userId, role, keyId, scopes, expiresAt } = holder;
    return { caller: { userId, role, by: { kind: 'key', keyId, scopes } }, expiresAtMs: expiresAt.getTime() };
  }

  async function lookUpSession(token: string): Promise<Believed> {
    const { userId, sessionId, csrfHash, expiresAtMs } = await readToken(await keys.current(), token);
    const { rows } = await database.query<{ role: Role }>(sessionUseSql, [sessionId, userId, idleMsMax]);
    const [row] = rows;
    if (row === undefined) throw notSignedIn();
    return { caller: { userId, role: row.role, by: { kind: 'session', sessionId, csrfHash } }, expiresAtMs };
  }

  function forgetWhere(isMeant: (caller: Caller) => boolean): void {
    for (const [token, { caller }] of believed.entries()) if (isMeant(caller)) believed.delete(token);
  }

  return {
    async signIn(email, password, address = 'unknown') {
      const account = normalEmail(email);
      const attempt = { account, address };
      const isLast = await lockOut.begin(attempt).catch(async (error: unknown) => {
        if (isTicklakeError(error, 'RATE_LIMITED')) {
          signIns.inc({ outcome: 'locked' });
          const userId = (await accountOf(account))?.userId;
          await recordAudit(database, { event: 'sign_in_refused', userId, address, detail: 'locked' });
        }
        throw error;
      });
      const user = await accountOf(account);
      const isRight = await passwords.verify(password, user?.passwordHash);
      const isAccepted = isRight && user?.isDisabled === false;
      signIns.inc({ outcome: isAccepted ? 'accepted' : 'refused' });
      if (!isAccepted) {
        const why = user === undefined ? 'no such user' : isRight ? 'disabled' : 'wrong password';
        const detail = `${why}${isLast ? ', locked' : ''}`;
        await recordAudit(database, { event: 'sign_in_refused', userId: user?.userId, address, detail });
        throw wrongCredentials();
      }
      const session = await begin(user, address);
      await lockOut.clear(attempt);
      return session;
    },
    async callerOf(token, address = 'unknown') {
      if (token.length > tokenLengthMax) throw notSignedIn();
      const entry = await believed.fetch(token, { context: address });
      if (entry === undefined || entry.expiresAtMs <= Date.now()) throw notSignedIn();
      return entry.caller;
    },
    end,
    async endByToken(token, address) {
      try {
        const { sessionId } = await readToken(await keys.current(), token);
        await end(sessionId, address);
      } catch (error) {
        if (!isTicklakeError(error, 'UNAUTHENTICATED')) throw error;
      }
    },
    forget(userId) {
      forgetWhere((caller) => caller.userId === userId);
    },
  };

  async function end(sessionId: string, address?: string): Promise<void> {
    await database.query(
      `with ended as (
           update identity.sessions set ended_at = clock_timestamp(), ended_by = 'sign_out'
           where session_id = $1 and ended_at is null returning user_id
         )
         insert into identity.audit (event, actor_id, user_id, address)
         select 'sign_out', user_id, user_id, $2 from ended`,
      [sessionId, address ?? null],
    );
    forgetWhere(({ by }) => by.kind === 'session' && by.sessionId === sessionId);
  }

  async function accountOf(email: string): Promise<Account | undefined> {
    const { rows } = await database.query<Account>(
      `select user_id as "userId", password_hash as "passwordHash", disabled_at is not null as "isDisabled"
       from identity.users where email = $1`,
      [email],
    );
    return rows[0];
  }

  /** Only where the password is still the one that was compared: a change of it may have come in between. */
  async function begin(user: Account, address: string): Promise<NewSession> {
    const [sessionId, csrfToken] = [randomUUID(), randomBytes(32).toString('base64url')];
    const expiresAt = new Date(Math.floor((Date.now() + tokenMsMax) / 1000) * 1000);
    const { rowCount } = await database.query(
      `with over as (
         delete from identity.sessions where user_id = $2 and (expires_at < clock_timestamp() or session_id in (
           select session_id from identity.sessions where user_id = $2 and ended_at is null
           order by created_at desc offset ${sessionsPerUserMax - 1}
         ))
       ),
       begun as (
         insert into identity.sessions (session_id, user_id, expires_at)
         select $1, user_id, $4 from identity.users where user_id = $2 and password_hash = $3 and disabled_at is null for share
         returning user_id
       )
       insert into identity.audit (event, actor_id, user_id, address)
       select 'sign_in', user_id, user_id, $5 from begun`,
      [sessionId, user.userId, user.passwordHash, expiresAt, address],
    );
    if (rowCount === 0) throw wrongCredentials();
    const claims = { userId: user.userId, sessionId, csrfHash: csrfHashOf(csrfToken) };
    const token = await signToken(await keys.current(), { ...claims, expiresAtMs: expiresAt.getTime() });
    return { token, expiresAt, csrfToken, userId: user.userId };
  }
}

function wrongCredentials(): TicklakeError {
  return new TicklakeError('UNAUTHENTICATED', 'the address or the password is wrong', {
    remedy: 'Check both; POST /v1/users makes a user.',
  });
}

/** Ends all sessions of a user; how many counted. */
export async function endAllSessions(
  database: Transaction,
  userId: string,
  endedBy: 'password_change' | 'password_reset' | 'operator',
): Promise<number> {
  const { rowCount } = await database.query(
    `update identity.sessions set ended_at = clock_timestamp(), ended_by = $2
     where user_id = $1 and ended_at is null and expires_at > clock_timestamp()`,
    [userId, endedBy],
  );
  return rowCount;
}
