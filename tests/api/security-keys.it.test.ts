import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ApiKeyList, MadeApiKey } from '#api/schemas/api-keys.ts';
import type { AuditList } from '#api/schemas/audit.ts';
import type { User } from '#api/schemas/identity.ts';
import { keysPerUserMax } from '#core/identity/api-keys.ts';
import { setPassword } from '#core/identity/change-password.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { openAdminGround, password, type AdminGround } from './admin-ground.ts';
import type { Ask } from './asking.ts';
import type { Service } from './service.ts';

let opened: AdminGround;
let ground: TestLake;
let service: Service;
let ask: Ask;
let admin: string;
let signUp: AdminGround['signUp'];

beforeAll(async () => {
  opened = await openAdminGround();
  ({ ground, service, ask, admin, signUp } = opened);
});

afterAll(async () => {
  await opened.close();
});

async function make(token: string, more: object = {}): Promise<MadeApiKey> {
  const body = { name: 'a program', scopes: ['read'], ...more };
  return await ask<MadeApiKey>('POST', '/v1/api-keys', { token, body, status: 201 });
}

describe('API keys', () => {
  it('are shown once, kept as a hash, and listed without their text', async () => {
    const { token } = await signUp('shown@example.com');
    const made = await make(token, { name: 'rebalancing', scopes: ['trade', 'read'], expiresInDays: 7 });
    expect(made.key).toMatch(/^tlk_[0-9a-f]{32}_[\w-]{43}$/);
    const days = (Date.parse(made.expiresAt) - Date.parse(made.createdAt)) / 86_400_000;
    expect(days).toBeCloseTo(7, 3);
    const { items } = await ask<ApiKeyList>('GET', '/v1/api-keys', { token });
    const { key, ...rest } = made;
    expect(items).toEqual([rest]);
    const { rows } = await ground.database.query('select * from identity.api_keys');
    expect(JSON.stringify(rows)).not.toContain(key.slice(-43));
  });

  it('count until they are revoked, by their owner alone', async () => {
    const { token } = await signUp('revoked@example.com');
    const other = await signUp('other@example.com');
    const { id, key } = await make(token);
    expect(await ask<User>('GET', '/v1/users/me', { token: key })).toMatchObject({
      email: 'revoked@example.com',
    });
    await ask('DELETE', `/v1/api-keys/${id}`, { token: other.token, status: 404 });
    expect((await ask<ApiKeyList>('GET', '/v1/api-keys', { token: other.token })).items).toEqual([]);
    await ask('DELETE', `/v1/api-keys/${id}`, { token, status: 204 });
    await ask('GET', '/v1/users/me', { token: key, status: 401 });
    await ask('DELETE', `/v1/api-keys/${id}`, { token, status: 404 });
  });

  it('end in time, and with a password that was lost, not with one that is changed', async () => {
    const { token, userId } = await signUp('over@example.com');
    const [first, second] = [await make(token), await make(token)];
    await ground.database.query(
      'update identity.api_keys set expires_at = clock_timestamp() where key_id = $1',
      [first.id],
    );
    await ask('GET', '/v1/users/me', { token: first.key, status: 401 });
    const body = { currentPassword: password, newPassword: 'another long sentence' };
    await ask('PUT', '/v1/users/me/password', { token, body, status: 204 });
    await ask('GET', '/v1/users/me', { token: second.key });
    await setPassword(ground.database, service.identity.passwords, { userId, newPassword: password });
    service.identity.sessions.forget(userId);
    await ask('GET', '/v1/users/me', { token: second.key, status: 401 });
  });

  it('are at most twenty of a user, however many are asked for at a time', async () => {
    const { token } = await signUp('many@example.com');
    const headers = { host: 'localhost', authorization: `Bearer ${token}` };
    const payload = { name: 'one of many', scopes: ['read'] };
    const statuses = await Promise.all(
      Array.from({ length: keysPerUserMax + 5 }, async () => {
        const request = { method: 'POST', url: '/v1/api-keys', headers, payload } as const;
        return (await service.app.inject(request)).statusCode;
      }),
    );
    expect(statuses.filter((status) => status === 201)).toHaveLength(keysPerUserMax);
    expect(statuses.filter((status) => status === 409)).toHaveLength(5);
  });

  it.each([
    { name: 'nothing', scopes: [] },
    { name: 'all', scopes: ['admin'] },
    { name: 'for ever', scopes: ['read'], expiresInDays: 10_000 },
    { name: '', scopes: ['read'] },
  ])('are refused: %j', async (body) => {
    await ask('POST', '/v1/api-keys', { token: admin, body, status: 400 });
  });

  it('that are none of ours, or in a cookie, are nobody', async () => {
    const { token } = await signUp('nobody@example.com');
    const { key } = await make(token, { scopes: ['read', 'trade'] });
    const [, id = '', secret = ''] = /^tlk_(\w{32})_(.*)$/.exec(key) ?? [];
    const wrong = [
      `tlk_${id}_${'A'.repeat(43)}`,
      `tlk_${'0'.repeat(32)}_${secret}`,
      `tlk_${id}_${secret}x`,
      'tlk_',
      key.toUpperCase(),
    ];
    for (const bad of wrong) await ask('GET', '/v1/users/me', { token: bad, status: 401 });
    const headers = { cookie: `ticklake_session=${key}` };
    await ask('GET', '/v1/users/me', { headers, status: 403 });
    await ask('POST', '/v1/portfolios', { headers, body: { name: 'x' }, status: 403 });
  });

  it('and their uses stand in the audit log, a use once an hour', async () => {
    const { token, userId } = await signUp('used@example.com');
    const { id, key } = await make(token);
    for (let count = 0; count < 3; count += 1) {
      await ask('GET', '/v1/users/me', { token: key });
      service.identity.sessions.forget(userId);
    }
    const [listed] = (await ask<ApiKeyList>('GET', '/v1/api-keys', { token })).items;
    expect(Date.parse(listed?.lastUsedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    const { rowCount } = await ground.database.query(
      `update identity.api_keys set last_used_at = last_used_at - interval '61 minutes' where key_id = $1`,
      [id],
    );
    expect(rowCount).toBe(1);
    await ask('GET', '/v1/users/me', { token: key });
    await ask('DELETE', `/v1/api-keys/${id}`, { token, status: 204 });
    const { items } = await ask<AuditList>('GET', `/v1/audit?userId=${userId}`, { token: admin });
    const ofKeys = items.filter(({ event }) => event.startsWith('api_key')).toReversed();
    expect(ofKeys.map(({ event, detail, address }) => [event, detail, address])).toEqual([
      ['api_key_made', `${id} "a program" for read`, '127.0.0.1'],
      ['api_key_used', id, '127.0.0.1'],
      ['api_key_used', id, '127.0.0.1'],
      ['api_key_revoked', id, '127.0.0.1'],
    ]);
  });
});

describe('on the socket', () => {
  it('keys follow and trade by their scopes', async () => {
    const { token } = await signUp('socket@example.com');
    const read = await make(token, { scopes: ['read'] });
    const trade = await make(token, { scopes: ['trade'] });
    const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
    const [portfolioId, orderId] = [randomUUID(), randomUUID()];
    const asked = [
      { op: 'subscribe', channel: 'balances', portfolioId },
      { op: 'cancelOrder', id: 'a', orderId },
    ];
    const codes = async (key: string): Promise<unknown[]> => {
      const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/stream`);
      onTestFinished(() => socket.terminate());
      await once(socket, 'open');
      const answers: unknown[] = [];
      for (const message of [{ op: 'authenticate', token: key }, ...asked]) {
        socket.send(JSON.stringify(message));
        const [data] = (await once(socket, 'message')) as [Buffer];
        const { op, problem } = JSON.parse(data.toString()) as { op: string; problem?: { code: string } };
        answers.push(problem?.code ?? op);
      }
      return answers;
    };
    expect(await codes(read.key)).toEqual(['authenticated', 'NOT_FOUND', 'FORBIDDEN']);
    expect(await codes(trade.key)).toEqual(['authenticated', 'FORBIDDEN', 'NOT_FOUND']);
  });
});
