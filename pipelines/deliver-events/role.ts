import { openSecretBox } from '#core/alerts/sealed.ts';
import { ordersTopic, tradesTopic } from '#core/market/topics.ts';
import type { Config } from '#core/platform/config.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { openPseudonyms } from '../export-orders/pseudonyms.ts';
import { ordersTopicOptions } from '../relay-orders/relay.ts';
import { startMail } from '../send-notifications/mail.ts';
import { startPruning } from '../send-notifications/prune.ts';
import { startWebhooks } from '../send-notifications/webhooks.ts';
import { startPriceWatch } from '../watch-prices/watch.ts';
import { eventConsumers } from './consumers.ts';
import { startFeed } from './feed.ts';

export interface EventsOptions {
  config: Pick<
    Config,
    | ('dataDir' | 'logPartitions' | 'logRetentionHours')
    | ('webhookKeyFile' | 'webhookPrivateNetworks' | 'smtpUrl' | 'mailFrom')
    | 'pseudonymKeyFile'
  >;
  database: Database;
  log: EventLog;
  logger: Logger;
  metrics: Metrics;
}

export interface Events {
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * The role `events`: gives the events of trading to their consumers, looks for what people should know of, and tells them.
 * Any number of it share the work. @throws CONFIG_INVALID where mail has no sender, or the keys of webhooks cannot be used
 */
export async function startEvents(options: EventsOptions): Promise<Events> {
  const { config, log } = options;
  const { smtpUrl, mailFrom, webhookPrivateNetworks: allowsPrivate } = config;
  if (smtpUrl !== undefined && mailFrom === undefined) {
    throw new TicklakeError('CONFIG_INVALID', 'smtpUrl is set, but mails have no sender', {
      remedy: 'Set TICKLAKE_MAIL_FROM to the address that mails come from.',
    });
  }
  const { dataDir, webhookKeyFile: keyFile, logPartitions, logRetentionHours } = config;
  await log.ensureTopic(ordersTopic, ordersTopicOptions);
  await log.ensureTopic(tradesTopic, {
    partitions: logPartitions,
    retentionMs: logRetentionHours * 3_600_000,
  });
  const shared = { ...options, hasMail: smtpUrl !== undefined };
  // Closed in the reverse of the order they were opened in, also where one of them does not start.
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.unshift(part);
    return part;
  };
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0)) await part.close();
  };
  try {
    const box = await openSecretBox({ dataDir, keyFile });
    keep(startWebhooks({ ...shared, box, allowsPrivate }));
    if (smtpUrl !== undefined && mailFrom !== undefined)
      keep(startMail({ ...options, smtpUrl, from: mailFrom }));
    keep(startPruning(options));
    const prices = keep(await startPriceWatch(shared));
    const pseudonym = await openPseudonyms({ dataDir, keyFile: config.pseudonymKeyFile });
    const consumers = eventConsumers({ ...shared, pseudonym });
    const feed = keep(await startFeed({ ...shared, consumers }));
    return { failed: Promise.race([prices.failed, feed.failed]), close };
  } catch (error) {
    await close();
    throw error;
  }
}
