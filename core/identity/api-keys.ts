import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { recordAudit } from './audit.ts';
import type { Role } from './roles.ts';

/** What a key is for: to look, to trade. What belongs to the account itself needs a session. */
export const scopes = ['read', 'trade'] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  keyId: string;
  name: string;
  scopes: Scope[];
  createdAt: Date;
  expiresAt: Date;
  lastUsedAt: Date | null;
}

/** Whose a key is, and what it is for. */
export interface KeyHolder {
  userId: string;
  role: Role;
  keyId: string;
  scopes: Scope[];
  expiresAt: Date;
}

export const keysPerUserMax = 20;
const prefix = 'tlk_';
const form = /^tlk_([0-9a-f]{32})_([\w-]{43})$/;
const columns = `key_id as "keyId", name, scopes, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt"`;
const counts = 'revoked_at is null and expires_at > clock_timestamp()';

/** Whether a bearer token is a key, well formed or not. */
export function isApiKey(token: string): boolean {
  return token.startsWith(prefix);
}

/** Makes a key; its text is not kept and cannot be had again. @throws CONFLICT for a user who has {@link keysPerUserMax} */
export async function makeApiKey(
  database: Database,
  asked: { userId: string; name: string; scopes: readonly Scope[]; days: number; address: string },
): Promise<ApiKey & { key: string }> {
  const { userId, name, days, address } = asked;
  const keyId = randomUUID();
  const key = `${prefix}${keyId.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`;
  return await database.transaction(async (tx) => {
    // One at a time for each user, so that the bound holds.
    await tx.query('select from identity.users where user_id = $1 for no key update', [userId]);
    const { rows } = await tx.query<ApiKey>(
      `insert into identity.api_keys (key_id, user_id, name, secret_hash, scopes, expires_at)
       select $1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 day'
       where (select count(*) from identity.api_keys where user_id = $2 and ${counts}) < $7
       returning ${columns}`,
      [keyId, userId, name, hashOf(key), [...new Set(asked.scopes)], days, keysPerUserMax],
    );
    const [made] = rows;
    if (made === undefined) throw tooMany();
    const detail = `${keyId} "${name}" for ${made.scopes.join(' and ')}`;
    await recordAudit(tx, { event: 'api_key_made', actorId: userId, userId, address, detail });
    return { ...made, key };
  });
}

/** The keys of a user that count, the oldest first; never their text. */
export async function listApiKeys(database: Transaction, userId: string): Promise<ApiKey[]> {
  const { rows } = await database.query<ApiKey>(
    `select ${columns} from identity.api_keys where user_id = $1 and ${counts} order by created_at, key_id`,
    [userId],
  );
  return rows;
}

/** @throws NOT_FOUND where the user has no such key that counts */
export async function revokeApiKey(
  database: Database,
  { userId, keyId, address }: { userId: string; keyId: string; address: string },
): Promise<void> {
  await database.transaction(async (tx) => {
    const { rowCount } = await tx.query(
      `update identity.api_keys set revoked_at = clock_timestamp()
       where key_id = $1 and user_id = $2 and ${counts}`,
      [keyId, userId],
    );
    if (rowCount === 0) {
      throw new TicklakeError('NOT_FOUND', `there is no key ${keyId}`, {
        remedy: 'GET /v1/api-keys lists yours.',
      });
    }
    await recordAudit(tx, { event: 'api_key_revoked', actorId: userId, userId, address, detail: keyId });
  });
}

/** Whose key it is, where it counts. */
export async function holderOf(database: Transaction, key: string): Promise<KeyHolder | undefined> {
  const [, hex] = form.exec(key) ?? [];
  if (hex === undefined) return undefined;
  const { rows } = await database.query<KeyHolder>(
    `select k.key_id as "keyId", user_id as "userId", u.role, k.scopes, k.expires_at as "expiresAt"
     from identity.api_keys k join identity.users u using (user_id)
     where k.key_id = $1 and k.secret_hash = $2 and u.disabled_at is null and ${counts}`,
    [hex, hashOf(key)],
  );
  return rows[0];
}

/** Keeps when a key was used, to the minute, and in the audit log where it was not for an hour, or from elsewhere. */
export async function recordUse(
  database: Transaction,
  { keyId, userId }: KeyHolder,
  address: string,
): Promise<void> {
  await database.query(
    `with before as (
       select key_id, last_used_at, last_address from identity.api_keys where key_id = $1
     ),
     used as (
       update identity.api_keys k set last_used_at = clock_timestamp(), last_address = $3
       from before b
       where k.key_id = b.key_id
         and (k.last_used_at is null or k.last_used_at < clock_timestamp() - interval '1 minute')
       returning b.last_used_at, b.last_address
     )
     insert into identity.audit (event, actor_id, user_id, address, detail)
     select 'api_key_used', $2, $2, $3, $1::text from used
     where last_used_at is null or last_used_at < clock_timestamp() - interval '1 hour' or last_address <> $3`,
    [keyId, userId, address],
  );
}

/** Ends all keys of a user. */
export async function revokeAllKeys(database: Transaction, userId: string): Promise<void> {
  await database.query(
    `update identity.api_keys set revoked_at = clock_timestamp() where user_id = $1 and ${counts}`,
    [userId],
  );
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function tooMany(): TicklakeError {
  return new TicklakeError('CONFLICT', `a user has at most ${keysPerUserMax} keys`, {
    remedy: 'Revoke one that is not used: DELETE /v1/api-keys/ID.',
  });
}
