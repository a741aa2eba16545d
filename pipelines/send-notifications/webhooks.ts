import { setTimeout as sleep } from 'node:timers/promises';
import {
  announce,
  claimWebhookDeliveries,
  endDeliveries,
  postponeDeliveries,
  type WebhookDelivery,
} from '#core/alerts/deliveries.ts';
import type { SecretBox } from '#core/alerts/sealed.ts';
import { giveUpWaiting, noteWebhookFailure, noteWebhookSuccess } from '#core/alerts/webhook-health.ts';
import { backOffMs, type BackOff } from '#core/platform/back-off.ts';
import { isTicklakeError, messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { postMessage } from './post.ts';

export interface WebhookSenderOptions {
  database: Database;
  box: SecretBox;
  allowsPrivate: boolean;
  hasMail: boolean;
  logger: Logger;
  metrics: Metrics;
  retryMs?: BackOff;
  /** How long nothing may be delivered before a webhook is disabled. */
  failingMsMax?: number;
}

export interface Sender {
  close(): Promise<void>;
}

const atOnce = 8;
const attemptsMax = 12;
const pollMs = 500;
/** Longer than an attempt takes: who dies in one has it made again after this. */
const leaseMs = 60_000;
const defaults = { retryMs: { firstMs: 5_000, maxMs: 3_600_000 }, failingMsMax: 24 * 3_600_000 };

type Outcome = { kind: 'delivered' | 'failed' | 'gone'; answer: string };

/**
 * Sends what waits for webhooks: each message at least once, to each webhook one at a time, again later and later while it
 * fails. One that nothing could be delivered to for a day, or that answers 410, is disabled, and its user told.
 */
export function startWebhooks(options: WebhookSenderOptions): Sender {
  const { database, box, allowsPrivate, hasMail, logger } = options;
  const { retryMs = defaults.retryMs, failingMsMax = defaults.failingMsMax } = options;
  const sent = options.metrics.counter('ticklake_webhooks_sent_total', 'Attempts to tell a webhook', [
    'outcome',
  ]);
  const underWay = options.metrics.gauge('ticklake_webhooks_under_way', 'Webhooks that are being told');
  const closing = new AbortController();
  const busy = new Map<string, Promise<void>>();
  const running = run();

  return {
    async close() {
      closing.abort();
      await running;
      await Promise.all(busy.values());
    },
  };

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const taken = await claim();
      for (const delivery of taken) {
        const telling = tell(delivery).finally(() => {
          busy.delete(delivery.webhookId);
          underWay.set(busy.size);
        });
        busy.set(delivery.webhookId, telling);
      }
      underWay.set(busy.size);
      const pause = sleep(pollMs, undefined, { signal: closing.signal }).catch(() => undefined);
      await Promise.race([...busy.values(), pause]);
    }
  }

  async function claim(): Promise<WebhookDelivery[]> {
    const limit = atOnce - busy.size;
    if (limit === 0) return [];
    try {
      return await claimWebhookDeliveries(database, { limit, leaseMs, busy: [...busy.keys()] });
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'what waits for webhooks cannot be read, trying again');
      return [];
    }
  }

  /** What cannot be noted is tried again once the lease is over: the receiver tells repeats by the id. */
  async function tell(delivery: WebhookDelivery): Promise<void> {
    try {
      if (!delivery.isActive) return await giveUpWaiting(database, delivery.webhookId, 'it was stopped');
      const outcome = await attempt(delivery);
      sent.inc({ outcome: outcome.kind });
      // What was broken off says nothing about the webhook.
      if (closing.signal.aborted && outcome.kind === 'failed')
        await postponeDeliveries(database, [delivery.deliveryId], { answer: 'broken off', waitMs: 0 });
      else await note(delivery, outcome);
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'what a webhook answered could not be noted');
    }
  }

  async function attempt(delivery: WebhookDelivery): Promise<Outcome> {
    const { deliveryId: id, webhookId, url, sealedSecret, body } = delivery;
    try {
      const secret = box.open(sealedSecret, webhookId);
      const message = { id, url, secret, body };
      const status = await postMessage(message, { allowsPrivate, closing: closing.signal });
      const answer = `HTTP ${status}`;
      if (status >= 200 && status < 300) return { kind: 'delivered', answer };
      return { kind: status === 410 ? 'gone' : 'failed', answer };
    } catch (error) {
      if (isTicklakeError(error, 'CONFIG_INVALID'))
        logger.error({ err: error }, 'a webhook cannot be signed');
      return { kind: 'failed', answer: messageOf(error) };
    }
  }

  async function note(delivery: WebhookDelivery, { kind, answer }: Outcome): Promise<void> {
    const { deliveryId, webhookId, attempts } = delivery;
    if (kind === 'delivered') {
      await endDeliveries(database, [deliveryId], { state: 'delivered', answer });
      return await noteWebhookSuccess(database, webhookId);
    }
    await database.transaction(async (tx) => {
      if (kind === 'gone' || attempts >= attemptsMax)
        await endDeliveries(tx, [deliveryId], { state: 'failed', answer });
      else await postponeDeliveries(tx, [deliveryId], { answer, waitMs: backOffMs(attempts, retryMs) });
      const disabled = await noteWebhookFailure(tx, webhookId, {
        failingMsMax: kind === 'gone' ? 0 : failingMsMax,
        answer,
      });
      if (disabled !== undefined) await announce(tx, [disabled], { hasMail });
    });
  }
}
