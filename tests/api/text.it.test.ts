import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNul } from '#api/plugins/text.ts';
import type { NewSession } from '#api/schemas/identity.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { asking, type Ask } from './asking.ts';
import { openService, type Service } from './service.ts';

let ground: TestLake;
let service: Service;
let ask: Ask;
let token: string;

beforeAll(async () => {
  ground = await openTestLake();
  service = await openService(ground);
  ask = asking(service.app);
  const body = { email: 'text@example.com', password: 'correct horse battery staple' };
  await ask('POST', '/v1/users', { body, status: 201 });
  ({ token } = await ask<NewSession>('POST', '/v1/sessions', { body, status: 201 }));
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

describe('a NUL character', () => {
  it.each(['/v1/lake/gaps?cause=a%00b', '/v1/lake/incidents?cursor=%00', '/v1/markets/BTC%00USDT', '/%00'])(
    'is refused in %s',
    async (url) => {
      expect(await ask('GET', url, { status: 400 })).toMatchObject({ code: 'BAD_REQUEST' });
    },
  );

  it('is refused in bodies, whatever they are for', async () => {
    const password = 'correct horse battery staple';
    await ask('POST', '/v1/sessions', { body: { email: 'a\0b', password }, status: 400 });
    await ask('PATCH', '/v1/users/me', { token, body: { displayName: 'a\0b' }, status: 400 });
    await ask('POST', '/v1/api-keys', { token, body: { name: '\0', scopes: ['read'] }, status: 400 });
    await ask('POST', '/v1/portfolios', { token, body: { name: 'a\0' }, status: 400 });
    await ask('POST', '/v1/jobs', { body: { job: 'a', params: { '\0': 1 } }, status: 400 });
    const displayName = String.raw`\u0000 and \\u0000`;
    expect(await ask('PATCH', '/v1/users/me', { token, body: { displayName } })).toMatchObject({
      displayName,
    });
  });
});

it('is known from what only looks like it', () => {
  for (const value of ['\0', 'a\0', '\\\0', '\\\\\0', { '\0': 1 }, ['x', '\0']]) {
    expect(hasNul(JSON.stringify(value)), JSON.stringify(value)).toBe(true);
  }
  for (const value of ['', '0', String.raw`\u0000`, String.raw`\\u0000`, '\u0001', '000']) {
    expect(hasNul(JSON.stringify(value)), JSON.stringify(value)).toBe(false);
  }
});
