import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between who writes and a Postgres on this machine, so that its connections break as those of a process that dies. */
export interface PostgresProxy {
  readonly url: string;
  /** The ports by which Postgres knows the connections there are. */
  ports(): number[];
  /** Ends the connections there are; new ones are served. */
  cut(): void;
  /** From here on Postgres hears what is said on the connections there are, and its answers are lost. */
  loseAnswers(): void;
  /** From here on Postgres hears nothing of what is said on them. */
  loseRequests(): void;
  close(): Promise<void>;
}

export async function openPostgresProxy(serverUrl: string): Promise<PostgresProxy> {
  const url = new URL(serverUrl);
  const serverPort = Number(url.port);
  const pairs = new Set<{ client: Socket; server: Socket }>();
  const listener = createServer((client) => {
    const server = connect(serverPort, url.hostname);
    const pair = { client, server };
    pairs.add(pair);
    for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
      socket.setNoDelay(true);
      socket.pipe(other);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  // A server that listens on TCP has an address with a port.
  url.port = String((listener.address() as AddressInfo).port);
  const cut = (): void => {
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  };
  return {
    url: url.href,
    ports: () => [...pairs].flatMap(({ server }) => server.localPort ?? []),
    cut,
    loseAnswers() {
      for (const { client, server } of pairs) server.unpipe(client).resume();
    },
    loseRequests() {
      for (const { client, server } of pairs) client.unpipe(server).resume();
    },
    async close() {
      cut();
      listener.close();
      await once(listener, 'close');
    },
  };
}
