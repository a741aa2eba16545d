import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Severity } from './alert.ts';

/** The least severe alerts that a user is mailed; null where none are. */
export async function mailPreference(db: Transaction, userId: string): Promise<Severity | null> {
  const { rows } = await db.query<{ severity: Severity | null }>(
    'select severity_min as severity from alerts.mail_preferences where user_id = $1',
    [userId],
  );
  return rows[0]?.severity ?? null;
}

/** Null: no mail. How soon the next mail may go out stays as it is, so that no mailbox is flooded by switching. */
export async function setMailPreference(
  db: Transaction,
  userId: string,
  severityMin: Severity | null,
): Promise<void> {
  await db.query(
    `insert into alerts.mail_preferences (user_id, severity_min) values ($1, $2)
     on conflict (user_id) do update set severity_min = excluded.severity_min`,
    [userId, severityMin],
  );
}
