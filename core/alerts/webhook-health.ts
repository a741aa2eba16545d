import type { Transaction } from '#core/platform/postgres/database.ts';
import type { NewAlert } from './alert.ts';

/** A message was delivered: whatever failed before is forgiven. */
export async function noteWebhookSuccess(db: Transaction, webhookId: string): Promise<void> {
  await db.query(
    'update alerts.webhooks set failing_since = null where webhook_id = $1 and failing_since is not null',
    [webhookId],
  );
}

/**
 * A message was not delivered. A webhook that has failed for so long is disabled, what waits for it is given up, and the
 * alert about that is answered.
 */
export async function noteWebhookFailure(
  tx: Transaction,
  webhookId: string,
  { failingMsMax, answer }: { failingMsMax: number; answer: string },
): Promise<NewAlert | undefined> {
  const { rows } = await tx.query<{
    userId: string;
    url: string;
    failingSince: Date;
    isOver: boolean;
  }>(
    `update alerts.webhooks set failing_since = coalesce(failing_since, clock_timestamp())
      where webhook_id = $1 and is_active
     returning user_id as "userId", url, failing_since as "failingSince",
               failing_since <= clock_timestamp() - $2 * interval '1 millisecond' as "isOver"`,
    [webhookId, failingMsMax],
  );
  const [row] = rows;
  if (row === undefined || !row.isOver) return undefined;
  const because = `nothing could be delivered since ${row.failingSince.toISOString()}, last: ${answer}`;
  await tx.query(
    'update alerts.webhooks set is_active = false, disabled_because = $2 where webhook_id = $1',
    [webhookId, because.slice(0, 500)],
  );
  await giveUpWaiting(tx, webhookId, 'the webhook was disabled');
  return {
    causeKey: `webhook_disabled|${webhookId}|${row.failingSince.toISOString()}`,
    kind: 'webhook_disabled',
    severity: 'warning',
    cause: `the webhook ${row.url} was disabled: ${because}`,
    detail: { webhookId, url: row.url, failingSince: row.failingSince.toISOString(), answer },
    audience: 'user',
    userId: row.userId,
  };
}

/** Gives up what waits for a webhook that is told nothing any more. */
export async function giveUpWaiting(db: Transaction, webhookId: string, why: string): Promise<void> {
  await db.query(
    `update alerts.deliveries set state = 'failed', ended_at = clock_timestamp(), answer = $2
      where webhook_id = $1 and state = 'waiting'
        and exists (select from alerts.webhooks w where w.webhook_id = $1 and not w.is_active)`,
    [webhookId, why],
  );
}
