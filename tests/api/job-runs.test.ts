import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { untilAnswered } from '#api/job-runs.ts';

it('nobody waits for the answer who left before the handler was asked', async () => {
  const app = fastify();
  onTestFinished(() => app.close());
  const { promise: signal, resolve } = Promise.withResolvers<AbortSignal>();
  app.addHook('onRequest', async (_request, reply) => {
    socket.destroy();
    await once(reply.raw, 'close');
  });
  app.get('/', (_request, reply) => {
    resolve(untilAnswered(reply));
    return 'late';
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  // A server that listens on TCP has an address with a port.
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect((await signal).aborted).toBe(true);
});
