import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Road extends AsyncDisposable {
  url: string;
  /** Brings the next request of this method to its end, but not its answer back, and nothing after it. */
  endsAfter(method: string): void;
}

/** The way to a venue, which may be cut. */
export async function startRoad(to: string): Promise<Road> {
  let last: string | undefined;
  let isCut = false;
  const server = createServer((request, response) => {
    if (isCut) return void response.destroy();
    const isLast = request.method === last;
    isCut = isLast;
    forwarded(to, request).then(
      async (answer) => {
        if (isLast) return void response.destroy();
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(await answer.text());
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    endsAfter: (method) => (last = method),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function forwarded(to: string, request: IncomingMessage): Promise<Response> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const body = Buffer.concat(parts).toString();
  const headers = { 'x-mbx-apikey': String(request.headers['x-mbx-apikey'] ?? '') };
  const { method = 'GET', url = '/' } = request;
  return await fetch(to + url, { method, headers, ...(body === '' ? {} : { body }) });
}
