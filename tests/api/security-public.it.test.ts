import { once } from 'node:events';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rights } from '#api/rights.ts';
import type { NewSession, User } from '#api/schemas/identity.ts';
import { socketsPerAddressMax } from '#api/stream/places.ts';
import type { Role } from '#core/identity/roles.ts';
import { giveRole } from '#core/identity/users.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { asking } from './asking.ts';
import { openService, type Service } from './service.ts';

const proxied = { 'x-forwarded-proto': 'https' };
const ofJobs = Object.entries(rights)
  .filter(([, right]) => 'inPublic' in right)
  .map(([route]) => route);
const tokens = new Map<Role, string>();

let ground: TestLake;
let service: Service;
let stream: string;

beforeAll(async () => {
  ground = await openTestLake();
  service = await openService(ground, { config: { apiPublic: true, apiTrustedProxies: ['127.0.0.1'] } });
  const ask = asking(service.app);
  for (const role of ['trader', 'operator'] as const) {
    const options = { headers: proxied, body: { email: `${role}@example.com`, password: 'correct horse' } };
    const { id } = await ask<User>('POST', '/v1/users', { ...options, status: 201 });
    const { token } = await ask<NewSession>('POST', '/v1/sessions', { ...options, status: 201 });
    if (role !== 'trader') await giveRole(ground.database, id, role);
    tokens.set(role, token);
  }
  stream = (await service.app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function statusOf(route: string, headers: Record<string, string>): Promise<number> {
  const [method = '', url = ''] = route.split(' ');
  const type: Record<string, string> = method === 'GET' ? {} : { 'content-type': 'application/json' };
  const answer = await service.app.inject({
    ...{ method: method as 'GET', url: url.replace(':runId', '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66') },
    headers: { host: 'localhost', ...type, ...headers },
  });
  return answer.statusCode;
}

function as(role: Role): Record<string, string> {
  return { ...proxied, authorization: `Bearer ${tokens.get(role) ?? ''}` };
}

describe('a service that others reach', () => {
  it('gives runs of jobs to operators alone', async () => {
    expect(ofJobs).toHaveLength(8);
    for (const route of ofJobs) {
      expect(await statusOf(route, proxied), route).toBe(401);
      expect(await statusOf(route, as('trader')), route).toBe(403);
      expect([401, 403, 429], route).not.toContain(await statusOf(route, as('operator')));
    }
  });

  it('follows them on the socket for operators alone', async () => {
    const firstAnswer = async (headers: Record<string, string>): Promise<unknown> => {
      const socket = new WebSocket(`${stream}/v1/stream`, { headers });
      onTestFinished(() => socket.terminate());
      await once(socket, 'open');
      socket.send(JSON.stringify({ op: 'subscribe', channel: 'jobs' }));
      const [data] = (await once(socket, 'message')) as [Buffer];
      const { op, problem } = JSON.parse(data.toString()) as { op: string; problem?: { code: string } };
      return problem?.code ?? op;
    };
    expect(await firstAnswer(proxied)).toBe('UNAUTHENTICATED');
    expect(await firstAnswer(as('trader'))).toBe('FORBIDDEN');
    expect(await firstAnswer(as('operator'))).toBe('snapshot');
  });

  it('lets an address open a tenth of all sockets', async () => {
    const open = async (from: string): Promise<WebSocket> => {
      const socket = new WebSocket(`${stream}/v1/stream`, {
        headers: { ...proxied, 'x-forwarded-for': from },
      });
      onTestFinished(() => socket.terminate());
      await once(socket, 'open');
      return socket;
    };
    const answers = async (socket: WebSocket): Promise<void> => {
      const closed = once(socket, 'close').then(([code]) => Promise.reject(new Error(`closed: ${code}`)));
      const answer = once(socket, 'message');
      socket.send(JSON.stringify({ op: 'ping' }));
      await Promise.race([answer, closed]);
    };
    const from = '192.0.2.1';
    const sockets: WebSocket[] = [];
    for (let count = 1; count <= socketsPerAddressMax; count += 1) sockets.push(await open(from));
    await Promise.all(sockets.map(answers));
    await expect(open(from).then(answers)).rejects.toThrow('closed: 1013');
    await answers(await open('192.0.2.2'));
    const refused = service.metrics.registry.getSingleMetricAsString('ticklake_stream_refused_total');
    expect(await refused).toContain('{of="address"} 1');
    sockets[0]?.close();
    await vi.waitFor(async () => await answers(await open(from)), { timeout: 20_000, interval: 50 });
  });

  it('lets this machine open as many as there are', async () => {
    for (let count = 0; count <= socketsPerAddressMax; count += 1) {
      const socket = new WebSocket(`${stream}/v1/stream`, { headers: proxied });
      onTestFinished(() => socket.terminate());
      const answer = once(socket, 'message');
      await once(socket, 'open');
      socket.send(JSON.stringify({ op: 'ping' }));
      expect(String((await answer)[0])).toContain('pong');
    }
  });

  it('answers over TLS alone, but for who watches it', async () => {
    for (const path of ['/health/ready', '/metrics'])
      expect(await statusOf(`GET ${path}`, {}), path).toBe(200);
    for (const path of ['/', '/v1/markets', '/openapi.json', '/healthy', '/v1/health']) {
      expect(await statusOf(`GET ${path}`, {}), path).toBe(400);
    }
    expect(await statusOf('GET /v1/markets', proxied)).toBe(200);
    const { authorization = '' } = as('operator');
    expect(await statusOf('GET /v1/users/me', { authorization })).toBe(400);
    const refused = new WebSocket(`${stream}/v1/stream`);
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toContain('400');
  });
});
