import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { NewSession } from '#api/schemas/identity.ts';
import { loadConfig } from '#core/platform/config.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openService, type Service } from './service.ts';

const { apiAddressRequests } = loadConfig({ env: {} });
const apiUserWeight = 1_000;
const password = 'correct horse battery staple';

let ground: TestLake;
let service: Service;
let staticDir: string;

beforeAll(async () => {
  ground = await openTestLake();
  staticDir = await mkdtemp(join(tmpdir(), 'ticklake-page-'));
  await writeFile(join(staticDir, 'index.html'), '<!doctype html><title>page</title>');
  service = await openService(ground, { staticDir, config: { apiAddressRequests, apiUserWeight } });
});

afterAll(async () => {
  await service.close();
  await ground.close();
  await rm(staticDir, { recursive: true });
});

interface Request {
  from: string;
  method?: 'GET' | 'POST';
  body?: object;
  token?: string;
}

async function ask(url: string, { from, method = 'GET', body, token }: Request) {
  return await service.app.inject({
    ...{ method, url, remoteAddress: from },
    headers: { host: 'localhost', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    ...(body === undefined ? {} : { payload: body }),
  });
}

async function signUp(email: string, from: string): Promise<string> {
  const body = { email, password };
  await ask('/v1/users', { from, method: 'POST', body });
  const answer = await ask('/v1/sessions', { from, method: 'POST', body });
  return answer.json<NewSession>().token;
}

function figures({ headers }: LightMyRequestResponse): (number | undefined)[] {
  return ['limit', 'remaining', 'reset'].map((name) => {
    const value = headers[`ratelimit-${name}`];
    return value === undefined ? undefined : Number(value);
  });
}

describe('requests without a session', () => {
  it('are 100 in 15 minutes from an address, whatever they ask for; the next gets 429', async () => {
    const from = '192.0.2.1';
    const paths = ['/v1/markets', '/v1/users/me', '/nowhere', '/v1/lake/tables', '/v1/markets/NO%20SUCH'];
    const statuses = new Set<number>();
    for (let count = 1; count <= 100; count += 1) {
      const token = count % 3 === 0 ? 'nonsense' : undefined;
      const path = paths[count % paths.length] ?? '/';
      const answer = await ask(path, { from, ...(token === undefined ? {} : { token }) });
      statuses.add(answer.statusCode);
      expect(figures(answer).slice(0, 2), path).toEqual([100, 100 - count]);
    }
    expect([...statuses].toSorted()).toEqual([200, 400, 401, 404]);
    const refused = await ask('/v1/markets', { from });
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(refused.json()).toMatchObject({ code: 'RATE_LIMITED', status: 429, retryable: true });
    const [limit, remaining, reset] = figures(refused);
    expect([limit, remaining]).toEqual([100, 0]);
    expect(reset).toBeGreaterThan(800);
    expect(reset).toBeLessThanOrEqual(900);
    expect(refused.headers['retry-after']).toBe(String(reset));
    expect(refused.headers['ratelimit-policy']).toBe('100;w=900');
    const signIn = await ask('/v1/sessions', {
      from,
      method: 'POST',
      body: { email: 'a@b.example', password },
    });
    expect(signIn.statusCode).toBe(429);
    expect((await ask('/v1/markets', { from: '192.0.2.2' })).statusCode).toBe(200);
    expect((await ask('/metrics', { from })).body).toContain(
      'ticklake_api_rate_limited_total{of="address"} 2',
    );
  });

  it('do not count for the page, health, metrics and documents', async () => {
    const from = '192.0.2.3';
    const paths = ['/', '/health', '/health/ready', '/metrics', '/openapi.json', '/.well-known/jwks.json'];
    for (const path of paths) {
      const answer = await ask(path, { from });
      expect(answer.statusCode, path).toBeLessThan(400);
      expect(figures(answer), path).toEqual([undefined, undefined, undefined]);
    }
    expect(figures(await ask('/v1/markets', { from })).slice(0, 2)).toEqual([100, 99]);
  });

  it('are the wrong tokens that are said on a socket, too', async () => {
    const { port } = new URL(await service.app.listen({ host: '127.0.0.1', port: 0 }));
    const from = '127.0.0.9';
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, { localAddress: from });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    const say = async (token: string): Promise<string> => {
      const answer = once(socket, 'message');
      socket.send(JSON.stringify({ op: 'authenticate', token }));
      const { problem } = JSON.parse(String((await answer)[0])) as { problem: { code: string } };
      return problem.code;
    };
    const [, before = 0] = figures(await ask('/v1/markets', { from }));
    expect(before).toBeGreaterThan(90);
    for (let left = before; left > 0; left -= 1) expect(await say(`nonsense${left}`)).toBe('UNAUTHENTICATED');
    expect(await say('nonsense')).toBe('RATE_LIMITED');
    expect((await ask('/v1/markets', { from })).statusCode).toBe(429);
  });

  it('of an IPv6 network count together', async () => {
    await ask('/v1/markets', { from: '2001:db8:0:1::1' });
    expect(figures(await ask('/v1/markets', { from: '2001:db8:0:1:ffff::2' }))[1]).toBe(98);
    expect(figures(await ask('/v1/markets', { from: '2001:db8:0:2::1' }))[1]).toBe(99);
  });
});

describe('requests of a user', () => {
  it('count by their weight in a minute, wherever they come from, and not for the address', async () => {
    const token = await signUp('user@example.com', '192.0.2.4');
    const other = await signUp('other@example.com', '192.0.2.4');
    const first = await ask('/v1/users/me', { from: '192.0.2.4', token });
    expect(figures(first).slice(0, 2)).toEqual([apiUserWeight, 999]);
    expect(first.headers['ratelimit-policy']).toBe(`${apiUserWeight};w=60`);
    for (let left = 899; left > 0; left -= 100) {
      const wide = await ask('/v1/lake/coverage', { from: '192.0.2.5', token });
      expect([wide.statusCode, figures(wide)[1]]).toEqual([200, left]);
    }
    expect((await ask('/v1/lake/coverage', { from: '192.0.2.5', token })).statusCode).toBe(429);
    const answer = await ask('/v1/users/me', { from: '192.0.2.6', token });
    expect([answer.statusCode, figures(answer)[1]]).toEqual([200, 98]);
    expect(figures(await ask('/v1/users/me', { from: '192.0.2.4', token: other }))[1]).toBe(999);
    expect(figures(await ask('/v1/markets', { from: '192.0.2.5' })).slice(0, 2)).toEqual([100, 99]);
  });
});
