import type { Transaction } from '#core/platform/postgres/database.ts';

/** What is kept; `role_changed` and a `kill_switch` of all portfolios are kept by triggers, whoever does it. */
export type AuditEvent =
  | 'user_created'
  | 'user_disabled'
  | 'user_enabled'
  | 'sign_in'
  | 'sign_in_refused'
  | 'sign_out'
  | 'signed_out'
  | 'password_changed'
  | 'password_refused'
  | 'password_set'
  | 'password_reset_issued'
  | 'password_reset'
  | 'role_changed'
  | 'kill_switch'
  | 'live_portfolio_opened'
  | 'api_key_made'
  | 'api_key_revoked'
  | 'api_key_used';

export interface AuditEntry {
  event: AuditEvent;
  /** Who did it, where that is a user. */
  actorId?: string | undefined;
  /** Whom it is about. */
  userId?: string | undefined;
  /** Where the request came from. */
  address?: string | undefined;
  detail?: string | undefined;
}

export interface StoredAuditEntry {
  entryId: number;
  at: Date;
  event: string;
  actorId: string | null;
  userId: string | null;
  address: string | null;
  detail: string | null;
  /** The login of Postgres: the owner's is the command line. */
  login: string;
}

/** Adds an entry, which nobody changes any more; with a transaction it is kept if what it tells of is. */
export async function recordAudit(database: Transaction, entry: AuditEntry): Promise<void> {
  const { event, actorId, userId, address, detail } = entry;
  await database.query(
    'insert into identity.audit (event, actor_id, user_id, address, detail) values ($1, $2, $3, $4, left($5, 1000))',
    [event, actorId ?? null, userId ?? null, address ?? null, detail ?? null],
  );
}

const columns =
  'entry_id as "entryId", at, event, actor_id as "actorId", user_id as "userId", address, detail, login';

/** Entries before one of them, the newest first; of one user, as who did it or as whom it was about, where that is asked for. */
export async function readAudit(
  database: Transaction,
  options: { limit: number; before?: number | undefined; userId?: string | undefined },
): Promise<StoredAuditEntry[]> {
  const { limit, before, userId } = options;
  const isEarlier = '($2::bigint is null or entry_id < $2)';
  const newest = (where: string): string =>
    `select ${columns} from identity.audit where ${where} and ${isEarlier} order by entry_id desc limit $1`;
  const { rows } =
    userId === undefined
      ? await database.query<StoredAuditEntry>(newest('true'), [limit, before ?? null])
      : await database.query<StoredAuditEntry>(
          // Each half goes along an index of its own.
          `(${newest('user_id = $3')}) union (${newest('actor_id = $3')}) order by "entryId" desc limit $1`,
          [limit, before ?? null, userId],
        );
  return rows;
}
