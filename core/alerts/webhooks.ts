import { randomBytes, randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import type { SecretBox } from './sealed.ts';

/** What a program may be told of: its user's alerts, and all that happens to their orders. */
export const webhookTopics = ['alerts', 'orders'] as const;
export type WebhookTopic = (typeof webhookTopics)[number];

export interface Webhook {
  webhookId: string;
  url: string;
  topics: WebhookTopic[];
  createdAt: Date;
  isActive: boolean;
  failingSince: Date | null;
  disabledBecause: string | null;
}

/** Of one user. */
export const webhooksMax = 10;
const secretBytes = 32;
const secretPrefix = 'whsec_';
const columns = `webhook_id as "webhookId", url, topics, created_at as "createdAt", is_active as "isActive",
  failing_since as "failingSince", disabled_because as "disabledBecause"`;

/** Makes one; the secret is kept sealed and is not shown again. @throws CONFLICT for a user who has {@link webhooksMax} */
export async function makeWebhook(
  database: Database,
  box: SecretBox,
  asked: { userId: string; url: string; topics: readonly WebhookTopic[] },
): Promise<Webhook & { secret: string }> {
  const { userId, url, topics } = asked;
  const webhookId = randomUUID();
  const secret = randomBytes(secretBytes);
  return await database.transaction(async (tx) => {
    // One at a time for each user, so that the bound holds.
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))`, [userId]);
    const { rows } = await tx.query<Webhook>(
      `insert into alerts.webhooks (webhook_id, user_id, url, topics, sealed_secret)
       select $1, $2, $3, $4, $5 where (select count(*) from alerts.webhooks where user_id = $2) < $6
       returning ${columns}`,
      [webhookId, userId, url, [...new Set(topics)], box.seal(secret, webhookId), webhooksMax],
    );
    if (rows[0] !== undefined) return { ...rows[0], secret: `${secretPrefix}${secret.toString('base64')}` };
    throw new TicklakeError('CONFLICT', `a user has at most ${webhooksMax} webhooks`, {
      remedy: 'Delete one that is not needed: DELETE /v1/webhooks/ID.',
    });
  });
}

/** A user's, the oldest first. */
export async function listWebhooks(db: Transaction, userId: string): Promise<Webhook[]> {
  const { rows } = await db.query<Webhook>(
    `select ${columns} from alerts.webhooks where user_id = $1 order by created_at, webhook_id`,
    [userId],
  );
  return rows;
}

/** Ends it, and what waits for it. @throws NOT_FOUND where the user has no such one */
export async function deleteWebhook(db: Transaction, userId: string, webhookId: string): Promise<void> {
  const { rowCount } = await db.query('delete from alerts.webhooks where user_id = $1 and webhook_id = $2', [
    userId,
    webhookId,
  ]);
  if (rowCount === 0) throw noWebhook(webhookId);
}

/** Stops telling it, or goes on with what is new. @throws NOT_FOUND where the user has no such one */
export async function switchWebhook(
  db: Transaction,
  userId: string,
  { webhookId, isActive }: { webhookId: string; isActive: boolean },
): Promise<Webhook> {
  const { rows } = await db.query<Webhook>(
    `update alerts.webhooks
        set is_active = $3, failing_since = null,
            disabled_because = case when $3 then null else coalesce(disabled_because, 'its user stopped it') end
      where user_id = $1 and webhook_id = $2 returning ${columns}`,
    [userId, webhookId, isActive],
  );
  if (rows[0] === undefined) throw noWebhook(webhookId);
  return rows[0];
}

export function noWebhook(webhookId: string): TicklakeError {
  return new TicklakeError('NOT_FOUND', `there is no webhook ${webhookId}`, {
    remedy: 'GET /v1/webhooks lists yours.',
  });
}
