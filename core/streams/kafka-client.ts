import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import kafkajs, { type Kafka, type LogEntry } from 'kafkajs';
import { clientSecurity, signInRefused, untrusted, type KafkaSecurity } from './kafka-security.ts';
import { topicMissing } from './topic-errors.ts';

const { CompressionCodecs, CompressionTypes, Kafka: KafkaClient, logLevel } = kafkajs;

const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** kafkajs looks codecs up in this table; it comes without one for zstd. */
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: (encoder: { buffer: Buffer }) => Promise.resolve(zstdCompressSync(encoder.buffer, compression)),
  decompress: (buffer: Buffer) => Promise.resolve(zstdDecompressSync(buffer)),
});

export interface KafkaClientOptions {
  brokers: string[];
  clientId: string;
  security: KafkaSecurity;
  logger: Logger;
}

/** A kafkajs client whose own log goes to ours; its errors are warnings, as what fails for good is thrown. */
export function openKafka({ brokers, clientId, security, logger }: KafkaClientOptions): Kafka {
  return new KafkaClient({
    brokers,
    clientId,
    ...clientSecurity(security),
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => logger.debug(detailsOf(entry), entry.log.message),
  });
}

function detailsOf({ namespace, log }: LogEntry): Record<string, unknown> {
  return { kafkajs: namespace, reason: log['error'] };
}

/** What kafkajs throws, as one of our errors. */
export function kafkaFailure(error: unknown, topic?: string): TicklakeError {
  if (error instanceof TicklakeError) return error;
  if (brokerErrorOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return topicMissing(topic ?? '(unnamed)', error);
  }
  const wrong = refusedSignIn(error) ?? untrusted(error);
  if (wrong !== undefined) return wrong;
  return new TicklakeError('LOG_UNREACHABLE', `Kafka: ${messageOf(error)}`, {
    cause: error,
    remedy:
      'Check that the brokers run and that TICKLAKE_KAFKA_BROKERS names them; the same call can succeed then.',
  });
}

/**
 * Whether a partition has no leader at this moment, as right after its topic was made: soon it has one. kafkajs, asked for
 * offsets while another call renews what it knows of the topic, finds none and stumbles over that.
 */
export function isLeaderMoving(error: unknown): boolean {
  const word = brokerErrorOf(error);
  if (word === 'NOT_LEADER_FOR_PARTITION' || word === 'LEADER_NOT_AVAILABLE') return true;
  return /'(low|high)\.pop\(\.\.\.\)' as it is undefined/.test(messageOf(error));
}

/** The broker's word for what is wrong (`UNKNOWN_TOPIC_OR_PARTITION`), found through kafkajs' wrappings. */
function brokerErrorOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('type' in at && typeof at.type === 'string') return at.type;
  }
  return undefined;
}

function refusedSignIn(error: unknown): TicklakeError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at.name === 'KafkaJSSASLAuthenticationError')
      return signInRefused(at.message.replace(/^SASL \S+ authentication failed: /, ''), error);
  }
  return undefined;
}
