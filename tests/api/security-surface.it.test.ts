import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewSession } from '#api/schemas/identity.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openService, type Service } from './service.ts';

const credentials = { email: 'surface@example.com', password: 'correct horse battery staple' };

let ground: TestLake;
let service: Service;
let staticDir: string;
let port: number;
let authorization: string;

beforeAll(async () => {
  ground = await openTestLake();
  staticDir = await mkdtemp(join(tmpdir(), 'ticklake-page-'));
  await mkdir(join(staticDir, 'assets'));
  await mkdir(join(staticDir, '.git'));
  await writeFile(join(staticDir, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(staticDir, 'assets', 'page.js'), 'export {};');
  await writeFile(join(staticDir, '.git', 'config'), '[core]');
  service = await openService(ground, { staticDir });
  port = Number(new URL(await service.app.listen({ host: '127.0.0.1', port: 0 })).port);
  await ask('POST', '/v1/users', { body: credentials });
  const session = await ask('POST', '/v1/sessions', { body: credentials });
  authorization = `Bearer ${session.json<NewSession>().token}`;
});

afterAll(async () => {
  await service.close();
  await ground.close();
  await rm(staticDir, { recursive: true });
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function ask(
  method: Method,
  url: string,
  { body, text, headers = {} }: { body?: object; text?: string; headers?: Record<string, string> } = {},
) {
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const type: Record<string, string> = method === 'GET' ? {} : { 'content-type': 'application/json' };
  return await service.app.inject({
    ...{ method, url, headers: { host: 'localhost', ...type, ...headers } },
    ...(payload === undefined ? {} : { payload }),
  });
}

/** What comes back for bytes that no library would send, until the service closes the connection. */
async function sent(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A service that has not read all of it resets the connection, after its answer.
  socket.on('error', () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

describe('answers', () => {
  it('of what is one user’s stay in no cache, refusals too', async () => {
    const mine: [Method, string, number][] = [
      ['GET', '/v1/users/me', 200],
      ['GET', '/v1/portfolios', 200],
      ['GET', '/v1/api-keys', 200],
      ['GET', '/v1/portfolios/7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66', 404],
      ['GET', '/v1/audit', 403],
      ['POST', '/v1/portfolios', 400],
    ];
    for (const [method, url, status] of mine) {
      const answer = await ask(method, url, { headers: { authorization } });
      expect([answer.statusCode, answer.headers['cache-control']], url).toEqual([status, 'no-store']);
    }
    const nobody = await ask('GET', '/v1/users/me');
    const signIn = await ask('POST', '/v1/sessions', { body: { ...credentials, password: 'wrong' } });
    expect([nobody.statusCode, signIn.statusCode]).toEqual([401, 401]);
    for (const { headers } of [nobody, signIn]) expect(headers['cache-control']).toBe('no-store');
  });

  it('name their type, and the characters of their text', async () => {
    const urls = ['/', '/v1/markets', '/nowhere', '/metrics', '/openapi.json', '/docs/', '/assets/page.js'];
    for (const url of urls) {
      const { headers } = await ask('GET', url);
      expect(String(headers['content-type']), url).toMatch(/^[a-z+/-]+;.*charset=utf-8/i);
    }
  });
});

it('text of a user in no page of ours: it comes back as JSON that no browser shows as a page', async () => {
  for (const url of [
    '/%3Cscript%3Ealert(1)%3C/script%3E',
    '/v1/markets/%3Cimg%20src=x%20onerror=alert(1)%3E',
  ]) {
    const { headers, statusCode } = await ask('GET', url);
    expect([400, 404]).toContain(statusCode);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  }
});

describe('files', () => {
  it.each([
    '/.git/config',
    '/assets/',
    '/assets',
    '/../package.json',
    '/%2e%2e/package.json',
    '/index.html.bak',
  ])('are those of the page alone: %s is not there', async (url) => {
    const answer = await ask('GET', url);
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  });
});

describe('requests', () => {
  it('have each parameter once', async () => {
    expect((await ask('GET', '/v1/signals?limit=1')).statusCode).toBe(200);
    expect((await ask('GET', '/v1/signals?limit=1&limit=2')).statusCode).toBe(400);
    expect((await ask('GET', '/v1/signals?symbol=BTCUSDT&symbol=ETHUSDT')).statusCode).toBe(400);
  });

  it.each(['{"displayName": "x", "__proto__": {"role": "admin"}}', '{"constructor": {"prototype": {}}}'])(
    'reach no prototype: %s',
    async (text) => {
      const answer = await ask('PATCH', '/v1/users/me', { text, headers: { authorization } });
      expect(answer.statusCode).toBe(400);
      expect({}).not.toHaveProperty('role');
    },
  );

  it('carry no secret in their address, as the document has them', async () => {
    interface Operation {
      parameters?: { in: string; name: string }[];
    }
    const { paths } = (await ask('GET', '/openapi.json')).json<{
      paths: Record<string, Record<string, Operation>>;
    }>();
    const names = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .flatMap(({ parameters = [] }) => parameters.filter(({ in: where }) => where === 'query'))
      .map(({ name }) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => /token|secret|password|csrf|api.?key|session/i.test(name))).toEqual([]);
  });

  it('are bounded in their head and body', async () => {
    const body = { displayName: 'x'.repeat(70_000) };
    expect((await ask('PATCH', '/v1/users/me', { body, headers: { authorization } })).statusCode).toBe(413);
    const head = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await sent(head)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('by TRACE are answered by nothing of theirs', async () => {
    const answer = await sent(
      'TRACE / HTTP/1.1\r\nHost: localhost\r\nX-Mine: hunter2\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toContain('hunter2');
  });

  it.each([
    [
      'two lengths of a body',
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled',
    ],
    ['two content lengths', 'Content-Length: 0\r\nContent-Length: 13\r\n\r\nGET /smuggled'],
    ['an unknown coding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled'],
    ['a folded header', 'Content-Length: 0\r\nX-Folded: a\r\n\tb: c\r\nX Y: z\r\n\r\n'],
  ])('with %s are refused, and the connection ends', async (_, rest) => {
    const head = 'POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const answer = await sent(`${head}${rest} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});
