import { connect } from 'node:net';
import { once } from 'node:events';
import { TicklakeError } from '#core/platform/errors.ts';
import { topicMissing } from './topic-errors.ts';

const metadataKey = 3;
const metadataVersion = 12;
const unknownTopic = 3;

/**
 * The id the cluster gave the topic when it was created: it changes when a topic is deleted and created again.
 * kafkajs speaks no version of Metadata that carries it (docs/decisions/0003-topic-incarnation.md), so this asks the
 * given broker itself: Metadata version 12 (KIP-516), flexible encoding (KIP-482). NOT_FOUND; LOG_UNREACHABLE.
 */
export async function fetchTopicId(broker: string, topic: string, timeoutMs: number): Promise<string> {
  const response = await ask(broker, metadataRequest(topic), timeoutMs);
  const { errorCode, topicId } = readTopic(response);
  if (errorCode === unknownTopic) throw topicMissing(topic);
  if (errorCode !== 0) throw unreachable(broker, `error ${errorCode} for topic ${topic}`);
  return topicId;
}

async function ask(broker: string, request: Buffer, timeoutMs: number): Promise<Buffer> {
  const { hostname, port } = new URL(`kafka://${broker}`);
  const socket = connect({ host: hostname, port: Number(port || 9092) });
  const signal = AbortSignal.timeout(timeoutMs);
  signal.addEventListener('abort', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    await once(socket, 'connect');
    socket.write(request);
    let received = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) return received.subarray(4);
    }
    throw new Error('the connection was closed');
  } catch (error) {
    throw unreachable(broker, error instanceof Error ? error.message : String(error), error);
  } finally {
    socket.destroy();
  }
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
  const body = Buffer.concat([fixed, clientId, noTags, oneTopic, flags, noTags]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
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

function unreachable(broker: string, reason: string, cause?: unknown): TicklakeError {
  return new TicklakeError('LOG_UNREACHABLE', `Kafka broker ${broker}: ${reason}`, {
    cause,
    remedy: 'Check that the broker runs and that TICKLAKE_KAFKA_BROKERS names it.',
  });
}
