import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server on this machine, as a network does that fails in its ways. */
export interface CutProxy {
  /** `127.0.0.1:port` */
  host: string;
  /** How many connections it has taken. */
  readonly taken: number;
  /** Ends all connections and takes no new ones. */
  cut(): void;
  mend(): void;
  /** From here on the server is not heard any more on the connections there are; what clients say still arrives. */
  deafen(): void;
  /** From here on nothing passes on the connections there are, in either direction; new ones are served. */
  stall(): void;
  close(): Promise<void>;
}

/** A proxy before a port of 127.0.0.1. */
export async function openCutProxy(port: number): Promise<CutProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;
  let taken = 0;
  const server = createServer((inner) => {
    if (isCut) return inner.destroy();
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
  const end = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    // A server that listens on TCP has an address with a port.
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get taken() {
      return taken;
    },
    cut() {
      isCut = true;
      end();
    },
    mend() {
      isCut = false;
    },
    deafen() {
      for (const [inner, outer] of pairs) outer.unpipe(inner).resume();
    },
    stall() {
      for (const [inner, outer] of pairs) {
        inner.unpipe(outer).pause();
        outer.unpipe(inner).pause();
      }
    },
    async close() {
      end();
      server.close();
      await once(server, 'close');
    },
  };
}
