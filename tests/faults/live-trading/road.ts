import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The way to a server, byte by byte, so that an outage may begin and end anywhere in a request or its answer. */
export interface Road {
  readonly url: string;
  /** Breaks all connections, and takes none until it is open again. */
  cut(): void;
  /** Lets nothing through in either direction; what is sent meanwhile arrives late. */
  hold(): void;
  open(): void;
  close(): Promise<void>;
}

type State = 'open' | 'cut' | 'held';

/** `to` is an address `http://host:port`. */
export async function startRoad(to: string): Promise<Road> {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  let state: State = 'open';
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    if (state === 'held') socket.pause();
  };
  const server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = connect(Number(port), hostname);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      keep(from);
      from.on('data', (bytes) => into.write(bytes));
      from.on('end', () => into.end());
      from.on('close', () => into.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    state = 'cut';
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    hold() {
      state = 'held';
      for (const socket of sockets) socket.pause();
    },
    open() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
