import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const closeTimeoutMs = 1_000;

/** Where commands come in: each holds one connection, which the kernel closes when it dies, however it dies. */
export interface Door {
  /** Whether anybody ever came. */
  visited(): boolean;
  visitors(): number;
  /** Tells everybody who is there, and who comes from here on; undefined tells nothing more. */
  say(line: string | undefined): void;
  /** Lets nobody in any more, and sends away who is there; resolves when all have gone, in a second at most. */
  close(): Promise<void>;
}

/** Opens the door; the caller holds the lock that makes it the only one, so what is left of an earlier one goes. */
export async function openDoor(path: string): Promise<Door> {
  const sockets = new Set<Socket>();
  let visited = false;
  let line: string | undefined;
  const server = createServer((socket) => {
    visited = true;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (line !== undefined) socket.write(`${line}\n`);
  });
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return {
    visited: () => visited,
    visitors: () => sockets.size,
    say(text) {
      line = text;
      if (text !== undefined) for (const socket of sockets) socket.write(`${text}\n`);
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.end();
      await Promise.race([closed, sleep(closeTimeoutMs)]);
    },
  };
}
