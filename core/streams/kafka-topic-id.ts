import { isTicklakeError, messageOf, TicklakeError } from '#core/platform/errors.ts';
import { untrusted, type KafkaSecurity } from './kafka-security.ts';
import { withKafkaSocket } from './kafka-socket.ts';
import { topicMissing } from './topic-errors.ts';

const metadataKey = 3;
const metadataVersion = 12;
const unknownTopic = 3;

/**
 * The id the cluster gave the topic when it was created: it changes when a topic is deleted and created again.
 * kafkajs speaks no version of Metadata that carries it (docs/decisions/0003-topic-incarnation.md), so this asks the
 * given broker itself: Metadata version 12 (KIP-516), flexible encoding (KIP-482).
 * @throws NOT_FOUND, LOG_UNREACHABLE, LOG_WRONG
 */
export async function fetchTopicId(
  broker: string,
  topic: string,
  { security, timeoutMs }: { security: KafkaSecurity; timeoutMs: number },
): Promise<string> {
  const request = metadataRequest(topic);
  const response = await withKafkaSocket({ broker, security, timeoutMs }, ({ ask }) => ask(request)).catch(
    (error: unknown) => {
      throw isTicklakeError(error) ? error : (untrusted(error, broker) ?? unreachable(broker, error));
    },
  );
  const { errorCode, topicId } = readTopic(response);
  if (errorCode === unknownTopic) throw topicMissing(topic);
  if (errorCode !== 0) throw unreachable(broker, new Error(`error ${errorCode} for topic ${topic}`));
  return topicId;
}

/** Request header version 2, then: one topic by name, no automatic creation, no authorized operations. */
function metadataRequest(topic: string): Buffer {
  const clientId = Buffer.from('ticklake');
  const name = Buffer.from(topic);
  const fixed = Buffer.alloc(10);
  fixed.writeInt16BE(metadataKey, 0);
  fixed.writeInt16BE(metadataVersion, 2);
  fixed.writeInt32BE(1, 4);
  fixed.writeInt16BE(clientId.length, 8);
  const noTags = Buffer.from([0]);
  const oneTopic = Buffer.concat([
    unsignedVarint(2),
    Buffer.alloc(16),
    unsignedVarint(name.length + 1),
    name,
    noTags,
  ]);
  const flags = Buffer.from([0, 0]);
  return Buffer.concat([fixed, clientId, noTags, oneTopic, flags, noTags]);
}

/** The first topic of a Metadata response, version 12 with header version 1. */
function readTopic(response: Buffer): { errorCode: number; topicId: string } {
  const reader = new Reader(response);
  reader.skip(4);
  reader.skipTags();
  reader.skip(4);
  for (let brokers = reader.unsignedVarint() - 1; brokers > 0; brokers -= 1) {
    reader.skip(4);
    reader.skipString();
    reader.skip(4);
    reader.skipString();
    reader.skipTags();
  }
  reader.skipString();
  reader.skip(4);
  if (reader.unsignedVarint() < 2) return { errorCode: unknownTopic, topicId: '' };
  const errorCode = reader.int16();
  reader.skipString();
  return { errorCode, topicId: reader.uuid() };
}

/** Reads Kafka's flexible encoding: compact strings and tagged fields are prefixed by unsigned varints. */
class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#buffer.readInt16BE(this.#at - 2);
  }

  uuid(): string {
    this.#at += 16;
    const hex = this.#buffer.toString('hex', this.#at - 16, this.#at);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#at);
      this.#at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  /** A compact nullable string: its length plus one, 0 for null. */
  skipString(): void {
    this.skip(Math.max(this.unsignedVarint() - 1, 0));
  }

  skipTags(): void {
    for (let tags = this.unsignedVarint(); tags > 0; tags -= 1) {
      this.unsignedVarint();
      this.skip(this.unsignedVarint());
    }
  }
}

function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function unreachable(broker: string, cause: unknown): TicklakeError {
  return new TicklakeError('LOG_UNREACHABLE', `Kafka broker ${broker}: ${messageOf(cause)}`, {
    cause,
    remedy: 'Check that the broker runs and that TICKLAKE_KAFKA_BROKERS names it.',
  });
}
