import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { raiseAlerts, type Alert, type NewAlert } from './alert.ts';
import { atMicroseconds, microseconds } from './microseconds.ts';
import { noWebhook, type WebhookTopic } from './webhooks.ts';

/** A message to a webhook that is under way. */
export interface WebhookDelivery {
  deliveryId: string;
  webhookId: string;
  userId: string;
  url: string;
  /** Not where its user has stopped it meanwhile. */
  isActive: boolean;
  sealedSecret: Buffer;
  body: string;
  /** This one included. */
  attempts: number;
}

/** What is under way to a user by mail. */
export interface MailDelivery {
  deliveryId: string;
  email: string;
  body: string;
  attempts: number;
}

export interface StoredDelivery {
  deliveryId: string;
  topic: WebhookTopic;
  subject: string;
  state: 'waiting' | 'delivered' | 'failed' | 'dropped';
  attempts: number;
  answer: string | null;
  createdAt: Date;
  endedAt: Date | null;
}

/** That may wait for a webhook; what comes beyond is not told. */
export const waitingMax = 1_000;
const alertsSql = sqlFile(import.meta.url, 'sql/queue-alerts.sql');
const ordersSql = sqlFile(import.meta.url, 'sql/queue-orders.sql');
const claimWebhooksSql = sqlFile(import.meta.url, 'sql/claim-webhooks.sql');
const claimMailSql = sqlFile(import.meta.url, 'sql/claim-mail.sql');

/**
 * Raises alerts and queues them for all who are to be told, in one transaction with whatever raises them. Answers those
 * that were not raised before.
 */
export async function announce(
  tx: Transaction,
  alerts: readonly NewAlert[],
  { hasMail }: { hasMail: boolean },
): Promise<Alert[]> {
  const raised = await raiseAlerts(tx, alerts);
  if (raised.length === 0) return raised;
  const told = raised.map(({ alertId, audience, severity, userId, ...rest }) => {
    const { kind, cause, detail, portfolioId, raisedAt } = rest;
    const data = { alertId, kind, severity, cause, detail, portfolioId, raisedAt: raisedAt.toISOString() };
    return { alertId, audience, severity, userId, body: messageText('alert.raised', raisedAt, data) };
  });
  await tx.query(alertsSql, [JSON.stringify(told), hasMail, waitingMax]);
  return raised;
}

/** Events of orders that webhooks may be told of; `body` is a {@link messageText}. */
export async function queueOrderEvents(
  tx: Transaction,
  events: readonly { portfolioId: string; subject: string; body: string }[],
): Promise<void> {
  await tx.query(ordersSql, [
    events.map(({ portfolioId }) => portfolioId),
    events.map(({ subject }) => subject),
    events.map(({ body }) => body),
    waitingMax,
  ]);
}

/** What a webhook is sent: <https://github.com/standard-webhooks/standard-webhooks>, `data` as JSON text or a value. */
export function messageText(type: string, at: Date, data: string | object): string {
  const head = JSON.stringify({ type, timestamp: at.toISOString() });
  return `${head.slice(0, -1)},"data":${typeof data === 'string' ? data : JSON.stringify(data)}}`;
}

/** Deliveries that are due, one for each webhook, which are the caller's for `leaseMs`. */
export async function claimWebhookDeliveries(
  db: Transaction,
  { limit, leaseMs, busy }: { limit: number; leaseMs: number; busy: readonly string[] },
): Promise<WebhookDelivery[]> {
  return (await db.query<WebhookDelivery>(claimWebhooksSql, [limit, leaseMs, busy])).rows;
}

/** What is to be mailed to one user, the oldest first, who is mailed nothing more for `pauseMs`; empty where nobody is due. */
export async function claimMail(
  db: Transaction,
  { leaseMs, pauseMs, limit }: { leaseMs: number; pauseMs: number; limit: number },
): Promise<MailDelivery[]> {
  return (await db.query<MailDelivery>(claimMailSql, [leaseMs, pauseMs, limit])).rows;
}

/** Notes that deliveries came to an end. */
export async function endDeliveries(
  db: Transaction,
  deliveryIds: readonly string[],
  { state, answer }: { state: 'delivered' | 'failed'; answer: string },
): Promise<void> {
  await db.query(
    `update alerts.deliveries set state = $2, answer = left($3, 500), ended_at = clock_timestamp()
      where delivery_id = any($1) and state = 'waiting'`,
    [deliveryIds, state, answer],
  );
}

/** Notes that an attempt came to nothing, and when the next one is. */
export async function postponeDeliveries(
  db: Transaction,
  deliveryIds: readonly string[],
  { answer, waitMs }: { answer: string; waitMs: number },
): Promise<void> {
  await db.query(
    `update alerts.deliveries
        set answer = left($2, 500), next_at = clock_timestamp() + $3 * interval '1 millisecond'
      where delivery_id = any($1) and state = 'waiting'`,
    [deliveryIds, answer, waitMs],
  );
}

/** Forgets what ended so long ago; how many. */
export async function pruneDeliveries(
  db: Transaction,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from alerts.deliveries where delivery_id in (
       select delivery_id from alerts.deliveries where ended_at < statement_timestamp() - $1 * interval '1 day' limit $2)`,
    [days, limit],
  );
  return rowCount;
}

/** What was, and is to be, sent to a user's webhook, the newest first. @throws NOT_FOUND where the user has no such one */
export async function listDeliveries(
  db: Transaction,
  { userId, webhookId }: { userId: string; webhookId: string },
  { after, limit }: { after?: { timeUs: number; id: string } | undefined; limit: number },
): Promise<(StoredDelivery & { createdUs: number })[]> {
  const { rowCount } = await db.query('select from alerts.webhooks where user_id = $1 and webhook_id = $2', [
    userId,
    webhookId,
  ]);
  if (rowCount === 0) throw noWebhook(webhookId);
  const { rows } = await db.query<StoredDelivery & { createdUs: number }>(
    `select delivery_id as "deliveryId", topic, subject, state, attempts, answer, created_at as "createdAt",
            ended_at as "endedAt", ${microseconds('created_at')} as "createdUs"
       from alerts.deliveries
      where webhook_id = $1 and ($2::bigint is null or (created_at, delivery_id) < (${atMicroseconds('$2')}, $3::uuid))
      order by created_at desc, delivery_id desc limit $4`,
    [webhookId, after?.timeUs ?? null, after?.id ?? null, limit],
  );
  return rows;
}
