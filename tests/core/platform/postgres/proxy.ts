import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy that cuts the connection when the client's bytes hold `text`, having passed them on or not. */
export async function openCuttingProxy(
  url: string,
  text: string,
  passOn: 'passed on' | 'swallowed',
): Promise<{ url: string; cuts(): number }> {
  const target = new URL(url);
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client.on('error', cut).on('close', cut);
    upstream.on('error', cut).on('close', cut);
    let deaf = false;
    upstream.on('data', (chunk: Buffer) => {
      // The server has answered what the client will not hear.
      if (deaf) cut();
      else client.write(chunk);
    });
    client.on('data', (chunk: Buffer) => {
      if (!chunk.includes(text)) {
        upstream.write(chunk);
        return;
      }
      cuts++;
      deaf = true;
      if (passOn === 'passed on') upstream.write(chunk);
      else cut();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const proxied = new URL(url);
  proxied.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return { url: proxied.href, cuts: () => cuts };
}
