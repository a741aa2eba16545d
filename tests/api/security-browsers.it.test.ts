import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NewSession } from '#api/schemas/identity.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openService, type Service } from './service.ts';

const password = 'correct horse battery staple';
const credentials = { email: 'page@example.com', password };
const proxy = '10.1.2.3';
const friend = 'https://friend.example';

let ground: TestLake;
let service: Service;
let stream: string;
let host: string;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  ground = await openTestLake();
  const config = { apiTrustedProxies: ['10.0.0.0/8'], apiCorsOrigins: [friend] };
  service = await openService(ground, { config });
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
  host = new URL(address).host;
  stream = `ws://${host}/v1/stream`;
  await inject('POST', '/v1/users', { body: credentials });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'OPTIONS';

async function inject(
  method: Method,
  url: string,
  options: { headers?: Record<string, string>; body?: object; from?: string } = {},
) {
  return await service.app.inject({
    ...{ method, url, headers: { host: 'localhost', ...options.headers } },
    ...(options.from === undefined ? {} : { remoteAddress: options.from }),
    ...(options.body === undefined ? {} : { payload: options.body }),
  });
}

async function signIn(): Promise<{ cookie: string; csrfToken: string; token: string }> {
  const answer = await inject('POST', '/v1/sessions', { body: credentials });
  const { csrfToken, token } = answer.json<NewSession>();
  return { cookie: `ticklake_session=${token}`, csrfToken, token };
}

/** What a socket answers who asks for what needs a session. */
async function askedOnSocket(headers: Record<string, string>): Promise<unknown> {
  const socket = new WebSocket(stream, { headers });
  sockets.push(socket);
  await once(socket, 'open');
  socket.send(JSON.stringify({ op: 'subscribe', channel: 'balances', portfolioId: randomUUID() }));
  const [data] = (await once(socket, 'message')) as [Buffer];
  return (JSON.parse(data.toString()) as { problem?: { code?: string } }).problem?.code;
}

describe('headers', () => {
  it('bind pages to this origin', async () => {
    for (const path of ['/', '/v1/markets', '/docs', '/nowhere']) {
      const { headers } = await inject('GET', path);
      const policy = String(headers['content-security-policy']).split(';');
      expect(policy.toSorted(), path).toEqual([
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
      ]);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(headers, path).not.toHaveProperty('strict-transport-security');
    }
  });

  it('of a proxy that is trusted say that the connection is encrypted, and whose it is', async () => {
    const headers = {
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '192.0.2.77',
      'x-forwarded-host': 'api.internal',
    };
    const begun = await inject('POST', '/v1/sessions', { body: credentials, headers, from: proxy });
    const [session = '', csrf = ''] = begun.headers['set-cookie'] ?? [];
    expect(session).toMatch(/^__Host-ticklake_session=[^;]+; Path=\/; SameSite=Strict; Secure; .*HttpOnly$/);
    expect(csrf).toMatch(/^__Host-ticklake_csrf=[^;]+; Path=\/; SameSite=Strict; Secure; Expires=/);
    expect(csrf).not.toContain('HttpOnly');
    expect(begun.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    const cookie = session.split(';')[0] ?? '';
    const asked = await inject('GET', '/v1/users/me', { headers: { ...headers, cookie }, from: proxy });
    expect(asked.statusCode).toBe(200);
    // Over a connection that is not encrypted it is none of ours.
    expect((await inject('GET', '/v1/users/me', { headers: { cookie } })).statusCode).toBe(401);
  });

  it('of anybody else say nothing', async () => {
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.78' };
    const begun = await inject('POST', '/v1/sessions', { body: credentials, headers, from: '192.0.2.9' });
    expect(String(begun.headers['set-cookie'])).not.toContain('Secure');
    expect(begun.headers).not.toHaveProperty('strict-transport-security');
    const lying = { ...headers, 'x-forwarded-host': 'localhost', host: 'evil.example' };
    expect((await inject('GET', '/v1/markets', { headers: lying, from: '192.0.2.9' })).statusCode).toBe(400);
  });

  it('of a proxy name the address that requests count for', async () => {
    const left = async (address: string, from: string): Promise<number> => {
      const answer = await inject('GET', '/v1/markets', { headers: { 'x-forwarded-for': address }, from });
      return Number(answer.headers['ratelimit-remaining']);
    };
    const first = await left('198.51.100.1', proxy);
    expect(await left('198.51.100.1', proxy)).toBe(first - 1);
    expect(await left('198.51.100.2', proxy)).toBe(first);
    // Who is no proxy counts for itself, whatever it says.
    expect(await left('198.51.100.3', '203.0.113.1')).toBe(first);
    expect(await left('198.51.100.4', '203.0.113.1')).toBe(first - 1);
  });
});

describe('pages of other origins', () => {
  it('may ask where they are named, with tokens alone', async () => {
    const preflight = await inject('OPTIONS', '/v1/users/me', {
      headers: { origin: friend, 'access-control-request-method': 'PATCH' },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': friend,
      'access-control-allow-headers': 'authorization, content-type, idempotency-key',
    });
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    const { token } = await signIn();
    const headers = { origin: friend, authorization: `Bearer ${token}` };
    const body = { displayName: 'Friend' };
    const changed = await inject('PATCH', '/v1/users/me', { headers, body });
    expect([changed.statusCode, changed.headers['access-control-allow-origin']]).toEqual([200, friend]);
    expect(changed.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it.each(['https://evil.example', `${friend}.evil.example`, 'http://friend.example', 'null'])(
    'may neither read nor change anything where they are not: %s',
    async (origin) => {
      const { token, cookie, csrfToken } = await signIn();
      const read = await inject('GET', '/v1/markets', { headers: { origin } });
      expect(read.headers).not.toHaveProperty('access-control-allow-origin');
      const preflight = await inject('OPTIONS', '/v1/users/me', {
        headers: { origin, 'access-control-request-method': 'PATCH' },
      });
      expect(preflight.headers).not.toHaveProperty('access-control-allow-origin');
      const given: Record<string, string>[] = [
        { authorization: `Bearer ${token}` },
        { cookie, 'x-csrf-token': csrfToken },
      ];
      for (const headers of given) {
        const body = { displayName: 'Evil' };
        const changed = await inject('PATCH', '/v1/users/me', { headers: { ...headers, origin }, body });
        expect(changed.statusCode).toBe(400);
      }
      await expect(askedOnSocket({ origin, cookie })).rejects.toThrow(/400/);
    },
  );
});

describe('a socket with a cookie', () => {
  it("has its session where no other site's page opened it", async () => {
    const { cookie, token } = await signIn();
    expect(await askedOnSocket({ cookie, origin: `http://${host}` })).toBe('NOT_FOUND');
    expect(await askedOnSocket({ cookie })).toBe('NOT_FOUND');
    expect(await askedOnSocket({ cookie, origin: friend })).toBe('UNAUTHENTICATED');
    expect(await askedOnSocket({ authorization: `Bearer ${token}` })).toBe('NOT_FOUND');
  });
});

describe('a request with a cookie', () => {
  it('to sign in ends the session that it came with, and a program’s ends none', async () => {
    const [before, program] = [await signIn(), await signIn()];
    const again = await inject('POST', '/v1/sessions', {
      body: credentials,
      headers: { cookie: before.cookie },
    });
    const bearer = { authorization: `Bearer ${program.token}`, cookie: 'ticklake_session=nonsense' };
    expect((await inject('POST', '/v1/sessions', { body: credentials, headers: bearer })).statusCode).toBe(
      201,
    );
    const me = async (headers: Record<string, string>): Promise<number> =>
      (await inject('GET', '/v1/users/me', { headers })).statusCode;
    expect(await me({ cookie: before.cookie })).toBe(401);
    expect(await me({ cookie: `ticklake_session=${again.json<NewSession>().token}` })).toBe(200);
    expect(await me({ authorization: bearer.authorization })).toBe(200);
  });

  it('changes nothing without the CSRF token of its own session', async () => {
    const [mine, other] = [await signIn(), await signIn()];
    const patch = async (headers: Record<string, string>): Promise<number> =>
      (await inject('PATCH', '/v1/users/me', { headers, body: { displayName: 'Page' } })).statusCode;
    const { cookie, csrfToken } = mine;
    expect(await patch({ cookie })).toBe(403);
    expect(await patch({ cookie: `${cookie}; ticklake_csrf=${csrfToken}` })).toBe(403);
    expect(await patch({ cookie, 'x-csrf-token': other.csrfToken })).toBe(403);
    expect(await patch({ cookie, 'x-csrf-token': '' })).toBe(403);
    expect(await patch({ cookie, 'x-csrf-token': csrfToken })).toBe(200);
    expect((await inject('GET', '/v1/users/me', { headers: { cookie } })).statusCode).toBe(200);
    // A header of a program is meant, and counts before the cookie.
    expect(await patch({ cookie, authorization: `Bearer ${mine.token}` })).toBe(200);
    expect(await patch({ cookie, authorization: 'Bearer nonsense', 'x-csrf-token': csrfToken })).toBe(401);
  });
});
