import type { Transaction } from '#core/platform/postgres/database.ts';

/**
 * Ends what tells a user who was disabled of alerts: webhooks, mail, and what waits to go out. Programs and mailboxes of theirs would
 * go on to be told, of an operator's those about others. Needs the owner's login.
 */
export async function stopTelling(tx: Transaction, userId: string): Promise<void> {
  await tx.query(
    `update alerts.webhooks set is_active = false, disabled_because = 'its user was disabled'
      where user_id = $1 and is_active`,
    [userId],
  );
  await tx.query('delete from alerts.mail_preferences where user_id = $1', [userId]);
  await tx.query(
    `update alerts.deliveries set state = 'failed', ended_at = clock_timestamp(), answer = 'its user was disabled'
      where user_id = $1 and state = 'waiting'`,
    [userId],
  );
}
