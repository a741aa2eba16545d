import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport, type Transporter } from 'nodemailer';
import { claimMail, endDeliveries, postponeDeliveries, type MailDelivery } from '#core/alerts/deliveries.ts';
import { backOffMs, type BackOff } from '#core/platform/back-off.ts';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { mailOf } from './mail-text.ts';
import type { Sender } from './webhooks.ts';

export interface MailOptions {
  database: Database;
  /** `smtp://user:password@host:port`, or `smtps://`. */
  smtpUrl: string;
  from: string;
  logger: Logger;
  metrics: Metrics;
  /** Between two mails to a user. */
  pauseMs?: number;
  retryMs?: BackOff;
}

const pollMs = 1_000;
const leaseMs = 120_000;
const timeoutMs = 20_000;
const alertsOfMailMax = 50;
const attemptsMax = 10;
const defaults = { pauseMs: 60_000, retryMs: { firstMs: 30_000, maxMs: 3_600_000 } };
const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Mails what waits: all that waits for a user is one mail, and a user gets one a minute at most. Each alert is mailed at
 * least once; a repeated mail has the same `Message-ID`.
 */
export function startMail(options: MailOptions): Sender {
  const { database, from, logger } = options;
  const { pauseMs = defaults.pauseMs, retryMs = defaults.retryMs } = options;
  const sent = options.metrics.counter('ticklake_mails_sent_total', 'Attempts to send a mail', ['outcome']);
  const transport = transportOf(options.smtpUrl);
  const closing = new AbortController();
  const running = run();

  return {
    async close() {
      closing.abort();
      await running;
      transport.close();
    },
  };

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const isIdle = await sendNext().catch((error: unknown) => {
        logger.warn({ reason: messageOf(error) }, 'what waits to be mailed cannot be read, trying again');
        return true;
      });
      if (isIdle) await sleep(pollMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  async function sendNext(): Promise<boolean> {
    const waiting = await claimMail(database, { leaseMs, pauseMs, limit: alertsOfMailMax });
    const [first] = waiting;
    if (first === undefined) return true;
    await send(waiting, first);
    return false;
  }

  async function send(waiting: readonly MailDelivery[], first: MailDelivery): Promise<void> {
    const ids = waiting.map(({ deliveryId }) => deliveryId);
    const { subject, text } = mailOf(waiting.map(({ body }) => body));
    try {
      const messageId = `<${first.deliveryId}@ticklake>`;
      await transport.sendMail({ from, to: first.email, subject, text, messageId });
      sent.inc({ outcome: 'sent' });
      await endDeliveries(database, ids, { state: 'delivered', answer: 'mailed' });
    } catch (error) {
      sent.inc({ outcome: 'failed' });
      const answer = messageOf(error);
      logger.warn({ reason: answer }, 'a mail could not be sent');
      const attempts = Math.max(...waiting.map((delivery) => delivery.attempts));
      if (attempts >= attemptsMax || isRefusedForGood(error))
        await endDeliveries(database, ids, { state: 'failed', answer });
      else await postponeDeliveries(database, ids, { answer, waitMs: backOffMs(attempts, retryMs) });
    }
  }
}

/** TLS, verified, to any host but this machine. */
function transportOf(smtpUrl: string): Transporter {
  const url = new URL(smtpUrl);
  const secure = url.protocol === 'smtps:';
  const auth = { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  return createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    ...{ secure, requireTLS: !secure && !loopback.test(url.hostname) },
    ...(auth.user === '' ? {} : { auth }),
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
}

/** RFC 5321: 5yz is a permanent negative answer. */
function isRefusedForGood(error: unknown): boolean {
  const code = error instanceof Error && 'responseCode' in error ? error.responseCode : undefined;
  return typeof code === 'number' && code >= 500 && code !== 535;
}
