import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from './event-log.ts';
import { createPostgresLog } from './postgres.ts';

export interface OpenLogOptions {
  config: Pick<
    Config,
    | ('kafkaBrokers' | 'kafkaSessionTimeoutMs')
    | ('kafkaTls' | 'kafkaCaFile' | 'kafkaSasl' | 'kafkaUser' | 'kafkaPassword')
  >;
  database: Database;
  clientId: string;
  logger: Logger;
  metrics: Metrics;
}

/** The event log the configuration names: Kafka where brokers are given, else the one on Postgres. */
export async function openLog({
  config,
  database,
  clientId,
  logger,
  metrics,
}: OpenLogOptions): Promise<EventLog> {
  if (config.kafkaBrokers === undefined) return createPostgresLog({ database, logger, metrics });
  // Loaded only where it is wanted: the client is a good part of a process's memory.
  const { createKafkaLog } = await import('./kafka.ts');
  const { kafkaSecurity } = await import('./kafka-security.ts');
  return createKafkaLog({
    brokers: config.kafkaBrokers,
    clientId,
    security: kafkaSecurity(config),
    sessionTimeoutMs: config.kafkaSessionTimeoutMs,
    logger,
    metrics,
  });
}
