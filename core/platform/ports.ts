import { once } from 'node:events';
import { createServer } from 'node:net';
import { TicklakeError, toTicklakeError } from './errors.ts';

const loopback = '127.0.0.1';

/** A port of the loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, loopback);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new TicklakeError('INTERNAL', 'no free port was given');
  return address.port;
}

/** @throws PORT_IN_USE when somebody listens there. */
export async function assertPortFree(port: number, host = loopback): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(toTicklakeError(error)));
    server.listen(port, host, () => server.close(() => resolve()));
  });
}
