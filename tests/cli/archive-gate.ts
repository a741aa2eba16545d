import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Stands before an archive, and can keep who asks for its files waiting. */
export interface ArchiveGate {
  url: string;
  /** Lets so many more files through; then others wait until it is opened. */
  closeAfter(files: number): void;
  open(): void;
  close(): Promise<void>;
}

export async function openArchiveGate(archiveUrl: string): Promise<ArchiveGate> {
  let left = Infinity;
  let opened = Promise.withResolvers<void>();
  const serve = async (path: string, response: ServerResponse): Promise<void> => {
    if (path.endsWith('.zip') && left-- <= 0) await opened.promise;
    const answer = await fetch(`${archiveUrl}${path}`);
    response.statusCode = answer.status;
    if (answer.body === null) response.end();
    else await pipeline(Readable.fromWeb(answer.body), response);
  };
  const server = createServer((request, response) => {
    serve(request.url ?? '/', response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const open = (): void => {
    left = Infinity;
    opened.resolve();
  };
  return {
    // A server that listens on TCP has an address with a port.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    closeAfter(files) {
      left = files;
      opened = Promise.withResolvers();
    },
    open,
    async close() {
      open();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
