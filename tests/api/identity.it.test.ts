import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, SignJWT, generateKeyPair } from 'jose';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { KeySet, NewSession, User } from '#api/schemas/identity.ts';
import { rotateKeys } from '#core/identity/key-file.ts';
import { keyFileOf } from '#core/identity/signing-key.ts';
import { giveRole } from '#core/identity/users.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { asking, type Ask } from './asking.ts';
import { openService, type Service } from './service.ts';

let ground: TestLake;
let service: Service;
let ask: Ask;
const password = 'correct horse battery staple';

beforeAll(async () => {
  ground = await openTestLake();
  service = await openService(ground);
  ask = asking(service.app);
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function signedUp(email: string): Promise<NewSession & { user: User }> {
  const user = await ask<User>('POST', '/v1/users', { body: { email, password }, status: 201 });
  const session = await ask<NewSession>('POST', '/v1/sessions', { body: { email, password }, status: 201 });
  return { ...session, user };
}

describe('users', () => {
  it('are made as traders, whatever they ask for', async () => {
    const { user, token } = await signedUp('Ada@Example.com');
    expect(user).toMatchObject({ email: 'ada@example.com', role: 'trader', displayName: null });
    expect(JSON.stringify(user)).not.toMatch(/password|\$2/);
    expect(await ask<User>('GET', '/v1/users/me', { token })).toEqual(user);
    const body = { email: 'eve@example.com', password, role: 'admin' };
    await ask<Problem>('POST', '/v1/users', { body, status: 400 });
  });

  it('have an address each', async () => {
    await signedUp('twice@example.com');
    const body = { email: 'TWICE@example.com', password: 'another long sentence' };
    expect(await ask<Problem>('POST', '/v1/users', { body, status: 409 })).toMatchObject({
      code: 'ALREADY_EXISTS',
      retryable: false,
    });
    await ask('POST', '/v1/sessions', { body: { email: 'twice@example.com', password }, status: 201 });
  });

  it.each([
    { email: 'nobody', password },
    { email: 'short@example.com', password: 'seven77' },
    { email: 'long@example.com', password: 'é'.repeat(37) },
    { email: 'nul@example.com', password: 'long enough\0 but' },
    { email: 'bare@example.com' },
  ])('are refused: %j', async (body) => {
    expect(await ask<Problem>('POST', '/v1/users', { body, status: 400 })).toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it('change the name that is shown', async () => {
    const { token } = await signedUp('name@example.com');
    await ask('PATCH', '/v1/users/me', { token, body: { displayName: 'Grace' } });
    expect(await ask<User>('GET', '/v1/users/me', { token })).toMatchObject({ displayName: 'Grace' });
  });

  it('lose all sessions with a change of password', async () => {
    const { token } = await signedUp('change@example.com');
    const credentials = { email: 'change@example.com', password };
    const other = await ask<NewSession>('POST', '/v1/sessions', { body: credentials, status: 201 });
    const wrong = { currentPassword: 'not the present one', newPassword: 'another long sentence' };
    await ask('PUT', '/v1/users/me/password', { token, body: wrong, status: 401 });
    const right = { ...wrong, currentPassword: password };
    await ask('PUT', '/v1/users/me/password', { token, body: right, status: 204 });
    for (const ended of [token, other.token]) await ask('GET', '/v1/users/me', { token: ended, status: 401 });
    await ask('POST', '/v1/sessions', { body: credentials, status: 401 });
    const renewed = { ...credentials, password: 'another long sentence' };
    await ask('POST', '/v1/sessions', { body: renewed, status: 201 });
  });

  it('cannot be given a role, or be read whole, by another login than the owner of the schema', async () => {
    const { user } = await signedUp('role@example.com');
    await expect(giveRole(service.database, user.id, 'admin')).rejects.toThrow(/permission denied/);
    expect(await giveRole(ground.database, user.id, 'operator')).toMatchObject({ role: 'operator' });
  });
});

describe('sessions', () => {
  it('answer a wrong password as they answer nobody', async () => {
    await signedUp('known@example.com');
    const wrong = { email: 'known@example.com', password: 'not this one' };
    const nobody = { email: 'unknown@example.com', password: 'not this one' };
    const first = await service.app.inject(request(wrong));
    const second = await service.app.inject(request(nobody));
    expect([first.statusCode, second.statusCode]).toEqual([401, 401]);
    expect(first.body).toBe(second.body);
    expect(Object.keys(first.headers)).toEqual(Object.keys(second.headers));

    function request(body: object) {
      const headers = { host: 'localhost', 'content-type': 'application/json' };
      return { method: 'POST' as const, url: '/v1/sessions', headers, payload: body };
    }
  });

  it('have tokens that anybody can check by the published keys', async () => {
    const { token, user, expiresAt } = await signedUp('jwks@example.com');
    const keys = await ask('GET', '/.well-known/jwks.json');
    const text = JSON.stringify(keys);
    expect(text).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
    const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const jwks = createRemoteJWKSet(new URL(`http://127.0.0.1:${port}/`));
    const { payload, protectedHeader } = await jwtVerify(token, jwks, { issuer: 'ticklake' });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload.sub).toBe(user.id);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeGreaterThanOrEqual(24 * 3600 - 2);
    expect(new Date(expiresAt).getTime()).toBe((payload.exp ?? 0) * 1000);
  });

  it('end, for their own token alone', async () => {
    const { token } = await signedUp('out@example.com');
    const body = { email: 'out@example.com', password };
    const other = await ask<NewSession>('POST', '/v1/sessions', { body, status: 201 });
    await ask('DELETE', '/v1/sessions/current', { token, status: 204 });
    await ask('GET', '/v1/users/me', { token, status: 401 });
    await ask('GET', '/v1/users/me', { token: other.token });
  });

  it('are not believed under another key, another algorithm, or when changed', async () => {
    const { token, user } = await signedUp('forged@example.com');
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { kid = '' } = decodeProtectedHeader(token);
    const claims: Record<string, unknown> = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const foreign = await generateKeyPair('RS256');
    const jwk = (await service.identity.keys.current()).jwks.keys[0];
    const forged = [
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(foreign.privateKey),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(Buffer.from(jwk?.n ?? '', 'base64url')),
      `${encoded({ alg: 'none', kid })}.${payload}.`,
      `${header}.${encoded({ ...claims, exp: Number(claims['exp']) + 60 })}.${signature}`,
      `${header}.${payload}`,
      'x'.repeat(3_000),
    ];
    for (const bad of forged) {
      expect(await ask<Problem>('GET', '/v1/users/me', { token: bad, status: 401 })).toMatchObject({
        code: 'UNAUTHENTICATED',
      });
    }
    expect(await ask<User>('GET', '/v1/users/me', { token })).toEqual(user);

    function encoded(value: object): string {
      return Buffer.from(JSON.stringify(value)).toString('base64url');
    }
  });

  it('go on when the key is changed, and end when it is revoked', async () => {
    const { token } = await signedUp('rotated@example.com');
    const path = keyFileOf({ dataDir: ground.dir });
    const kids = async () => (await ask<KeySet>('GET', '/.well-known/jwks.json')).keys.map(({ kid }) => kid);
    const before = await kids();
    const rotated = await rotateKeys(path, { isRevoking: false });
    const bounds = { timeout: 20_000, interval: 100 };
    await vi.waitFor(async () => expect(await kids()).toEqual(rotated.map(({ kid }) => kid)), bounds);
    expect(await kids()).toEqual([expect.any(String), ...before]);
    await ask('GET', '/v1/users/me', { token });
    const [fresh] = await rotateKeys(path, { isRevoking: true });
    await vi.waitFor(async () => expect(await kids()).toEqual([fresh?.kid]), bounds);
    await vi.waitFor(async () => await ask('GET', '/v1/users/me', { token, status: 401 }), bounds);
    const body = { email: 'rotated@example.com', password };
    const renewed = await ask<NewSession>('POST', '/v1/sessions', { body, status: 201 });
    await ask('GET', '/v1/users/me', { token: renewed.token });
  });

  it('in a cookie change nothing without the CSRF token beside it', async () => {
    await signedUp('cookie@example.com');
    const answer = await service.app.inject({
      method: 'POST',
      url: '/v1/sessions',
      headers: { host: 'localhost' },
      payload: { email: 'cookie@example.com', password },
    });
    const cookies = answer.headers['set-cookie'];
    expect(cookies).toHaveLength(2);
    const held = cookies?.[0] ?? '';
    expect(held).toMatch(/^ticklake_session=.*; HttpOnly$/);
    expect(held).toContain('SameSite=Strict');
    const cookie = held.split(';')[0] ?? '';
    const { csrfToken } = answer.json<NewSession>();
    const body = { displayName: 'Page' };
    await ask('GET', '/v1/users/me', { headers: { cookie } });
    for (const headers of [{ cookie }, { cookie, 'x-csrf-token': 'another' }]) {
      expect(await ask<Problem>('PATCH', '/v1/users/me', { headers, body, status: 403 })).toMatchObject({
        code: 'FORBIDDEN',
      });
    }
    await ask('PATCH', '/v1/users/me', { headers: { cookie, 'x-csrf-token': csrfToken }, body });
    const crossSite = { cookie, 'x-csrf-token': csrfToken, origin: 'http://evil.example' };
    await ask('PATCH', '/v1/users/me', { headers: crossSite, body, status: 400 });
  });
});
