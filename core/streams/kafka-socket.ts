import { connect, isIP, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { signIn } from './kafka-sasl.ts';
import type { KafkaSecurity } from './kafka-security.ts';

/** A connection to one broker, for requests that kafkajs does not know. */
export interface KafkaSocket {
  /** One request with its header; its answer without the length in front, the correlation id first. */
  ask(request: Buffer): Promise<Buffer>;
}

const defaultPort = 9092;

/** Connects, signs in where that is asked for, lets `use` ask, and closes. @throws what the socket or the broker say */
export async function withKafkaSocket<T>(
  { broker, security, timeoutMs }: { broker: string; security: KafkaSecurity; timeoutMs: number },
  use: (socket: KafkaSocket) => Promise<T>,
): Promise<T> {
  const { hostname: host, port } = new URL(`kafka://${broker}`);
  const { tls, sasl } = security;
  const address = { host, port: Number(port || defaultPort) };
  const named = isIP(host) === 0 ? { servername: host } : {};
  const socket = tls === undefined ? connect(address) : connectTls({ ...named, ...tls, ...address });
  const signal = AbortSignal.timeout(timeoutMs);
  signal.addEventListener('abort', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    const ask = asking(socket);
    if (sasl !== undefined) await signIn(ask, sasl);
    return await use({ ask });
  } finally {
    socket.destroy();
  }
}

/** One request at a time. */
function asking(socket: Socket): KafkaSocket['ask'] {
  const chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let received = Buffer.alloc(0);
  return async (request) => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(request.length);
    socket.write(Buffer.concat([size, request]));
    for (;;) {
      const length = received.length < 4 ? Infinity : 4 + received.readInt32BE(0);
      if (received.length >= length) {
        const answer = received.subarray(4, length);
        received = received.subarray(length);
        return answer;
      }
      const { done, value } = await chunks.next();
      if (done === true) throw new Error('the connection was closed');
      received = Buffer.concat([received, value]);
    }
  };
}
