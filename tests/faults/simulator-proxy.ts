import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server on this machine, and can let connections die without a word. */
export interface StallingProxy {
  wsUrl: string;
  /** How many connections it has taken. */
  readonly taken: number;
  /** From here on nothing passes on the connections there are, in either direction; new ones are served. */
  stall(): void;
  close(): Promise<void>;
}

/** A proxy before a port of 127.0.0.1. */
export async function openStallingProxy(port: number): Promise<StallingProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let taken = 0;
  const server = createServer((inner) => {
    taken++;
    const outer = connect(port, '127.0.0.1');
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const [socket, other] of [pair, [outer, inner] as const]) {
      socket.pipe(other);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // A server that listens on TCP has an address with a port.
    wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get taken() {
      return taken;
    },
    stall() {
      for (const [inner, outer] of pairs) {
        inner.unpipe(outer).pause();
        outer.unpipe(inner).pause();
      }
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
