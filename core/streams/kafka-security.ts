import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { Config } from '#core/platform/config.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { isUntrusted } from '#core/platform/untrusted.ts';

/** How brokers are reached beside their addresses. */
export interface KafkaSecurity {
  /** TLS, verified; absent for none. */
  tls?: ConnectionOptions;
  sasl?: KafkaSasl;
}

export interface KafkaSasl {
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  username: string;
  password: string;
}

/** What the configuration says about it. */
export function kafkaSecurity(
  config: Pick<Config, 'kafkaTls' | 'kafkaCaFile' | 'kafkaSasl' | 'kafkaUser' | 'kafkaPassword'>,
): KafkaSecurity {
  const { kafkaTls, kafkaCaFile, kafkaSasl: mechanism, kafkaUser, kafkaPassword } = config;
  const authority = kafkaCaFile === undefined ? {} : { ca: readFileSync(kafkaCaFile, 'utf8') };
  return {
    ...(kafkaTls ? { tls: authority } : {}),
    ...(mechanism === undefined || kafkaUser === undefined || kafkaPassword === undefined
      ? {}
      : { sasl: { mechanism, username: kafkaUser, password: kafkaPassword } }),
  };
}

/** Options of a kafkajs client. */
export function clientSecurity({ tls, sasl }: KafkaSecurity): {
  ssl?: ConnectionOptions;
  sasl?: SASLOptions;
} {
  return { ...(tls === undefined ? {} : { ssl: tls }), ...(sasl === undefined ? {} : { sasl }) };
}

/** The error where a broker's certificate is not to be trusted, or the broker speaks no TLS. */
export function untrusted(error: unknown, broker = 'that answers'): TicklakeError | undefined {
  if (!isUntrusted(error)) return undefined;
  return new TicklakeError('LOG_WRONG', `Kafka broker ${broker} cannot be trusted: ${messageOf(error)}`, {
    cause: error,
    remedy:
      'Check that TICKLAKE_KAFKA_CA_FILE is of the authority that signed it, and that it names the host.',
  });
}

/** The error where the brokers do not let us in; `reason` is theirs. */
export function signInRefused(reason: string, cause?: unknown): TicklakeError {
  return new TicklakeError('LOG_WRONG', `Kafka refuses the sign-in: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
    remedy: 'Check TICKLAKE_KAFKA_SASL, TICKLAKE_KAFKA_USER and TICKLAKE_KAFKA_PASSWORD.',
  });
}
