import { randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Passwords } from './passwords.ts';
import type { Role } from './roles.ts';

export interface User {
  userId: string;
  email: string;
  displayName: string | null;
  role: Role;
  createdAt: Date;
  /** Since when they may not sign in; null for who may. */
  disabledAt: Date | null;
}

const columns = `user_id as "userId", email, display_name as "displayName", role, created_at as "createdAt",
  disabled_at as "disabledAt"`;

/** The one form of an address that is stored and looked for. */
export function normalEmail(email: string): string {
  return email.trim().toLowerCase();
}

/**
 * Makes a trader.
 * @throws ALREADY_EXISTS for an address that is taken; BAD_REQUEST for a password that is too short, too long or easily guessed.
 */
export async function registerUser(
  database: Transaction,
  passwords: Passwords,
  asked: { email: string; password: string; displayName?: string; address?: string },
): Promise<User> {
  const passwordHash = await passwords.hash(asked.password, namesOf(asked));
  const { rows } = await database.query<User>(
    `with made as (
       insert into identity.users (user_id, email, password_hash, display_name) values ($1, $2, $3, $4)
       on conflict (email) do nothing returning *
     ),
     kept as (
       insert into identity.audit (event, user_id, address) select 'user_created', user_id, $5 from made
     )
     select ${columns} from made`,
    [randomUUID(), normalEmail(asked.email), passwordHash, asked.displayName ?? null, asked.address ?? null],
  );
  const [user] = rows;
  if (user !== undefined) return user;
  throw new TicklakeError('ALREADY_EXISTS', 'there is a user with this address', {
    remedy: 'Sign in with it, or use another one.',
  });
}

/** What names a user, and does not make a password. */
export function namesOf({
  email,
  displayName,
}: {
  email: string;
  displayName?: string | null | undefined;
}): string[] {
  return [email, displayName ?? ''];
}

/** Users by their address; @throws NOT_FOUND. */
export async function userByEmail(database: Transaction, email: string): Promise<User> {
  const { rows } = await database.query<User>(`select ${columns} from identity.users where email = $1`, [
    normalEmail(email),
  ]);
  return found(rows[0]);
}

/** @throws NOT_FOUND */
export async function userById(database: Transaction, userId: string): Promise<User> {
  const { rows } = await database.query<User>(`select ${columns} from identity.users where user_id = $1`, [
    userId,
  ]);
  return found(rows[0]);
}

/** All users, oldest first, after one of them. */
export async function listUsers(
  database: Transaction,
  options: { limit: number; afterUserId?: string },
): Promise<User[]> {
  const { rows } = await database.query<User>(
    `select ${columns} from identity.users
     where $2::uuid is null
       or (created_at, user_id) > (select u.created_at, u.user_id from identity.users u where u.user_id = $2)
     order by created_at, user_id limit $1`,
    [options.limit, options.afterUserId ?? null],
  );
  return rows;
}

/** @throws NOT_FOUND */
export async function renameUser(
  database: Transaction,
  userId: string,
  displayName: string | null,
): Promise<User> {
  const { rows } = await database.query<User>(
    `update identity.users set display_name = $2, updated_at = clock_timestamp() where user_id = $1
     returning ${columns}`,
    [userId, displayName],
  );
  return found(rows[0]);
}

/** Gives a role, which counts at the user's next request; needs the owner's login. @throws NOT_FOUND */
export async function giveRole(database: Transaction, userId: string, role: Role): Promise<User> {
  const { rows } = await database.query<User>(
    `update identity.users set role = $2, updated_at = clock_timestamp() where user_id = $1 returning ${columns}`,
    [userId, role],
  );
  return found(rows[0]);
}

function found(user: User | undefined): User {
  if (user === undefined) throw unknownUser();
  return user;
}

export function unknownUser(): TicklakeError {
  return new TicklakeError('NOT_FOUND', 'there is no such user', {
    remedy: '`ticklake users list` shows who there is.',
  });
}
