import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ensureKeyFile, leadMs, rotateKeys } from '#core/identity/key-file.ts';
import { openKeyRing } from '#core/identity/key-ring.ts';
import { keyFileOf, keysAt, readKeyFile, tokenMsMax, type SigningKeys } from '#core/identity/signing-key.ts';
import { readToken, signToken } from '#core/identity/tokens.ts';
import { Metrics } from '#core/platform/metrics.ts';

const claims = {
  userId: '0b8e4f0c-3c5e-4c0e-9a44-5a0a4b0f1c11',
  sessionId: '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66',
  csrfHash: 'hash',
  expiresAtMs: Math.floor(Date.now() / 1000) * 1000 + 60_000,
};

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-keys-'));
  onTestFinished(async () => await rm(dir, { recursive: true }));
  return dir;
}

function pem(type: 'rsa' | 'ec', modulusLength = 2_048): string {
  const { privateKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

it('is made once, for its owner alone, however many begin at a time', async () => {
  const path = keyFileOf({ dataDir: await folder() });
  await Promise.all(Array.from({ length: 4 }, () => ensureKeyFile(path)));
  expect(await readdir(dirname(path))).toEqual(['session.pem']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const before = await readFile(path, 'utf8');
  await ensureKeyFile(path);
  expect(await readFile(path, 'utf8')).toBe(before);
});

it('is changed by hand by a new one on top; what the old one signed counts until it is taken away', async () => {
  const path = join(await folder(), 'session.pem');
  const [old, fresh] = [pem('rsa'), pem('rsa')];
  const at = async (text: string) => {
    await writeFile(path, text);
    return keysAt(await readKeyFile(path), Date.now());
  };
  const token = await signToken(await at(old), claims);
  const both = await at(`${fresh}\n${old}`);
  expect(both.jwks.keys).toHaveLength(2);
  expect(await readToken(both, token)).toEqual(claims);
  expect(await readToken(both, await signToken(both, claims))).toEqual(claims);
  await expect(readToken(await at(fresh), token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

it('is changed by a new one that is known before it signs, and the old one goes when all it signed is over', async () => {
  const path = keyFileOf({ dataDir: await folder() });
  await ensureKeyFile(path);
  const nowMs = Date.now();
  const [old] = await readKeyFile(path);
  const token = await signToken(keysAt(await readKeyFile(path), nowMs), claims);
  const rotated = await rotateKeys(path, { isRevoking: false, nowMs });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(dirname(path))).toEqual(['session.pem']);
  const [fresh] = rotated;
  expect(rotated.map(({ kid }) => kid)).toEqual([fresh?.kid, old?.kid]);

  const before = keysAt(rotated, nowMs + leadMs - 1);
  expect(before.kid).toBe(old?.kid);
  expect(before.jwks.keys.map(({ kid }) => kid)).toEqual([fresh?.kid, old?.kid]);
  const after = keysAt(rotated, nowMs + leadMs);
  expect(after.kid).toBe(fresh?.kid);
  expect(await readToken(after, token)).toEqual(claims);
  expect(await readToken(before, await signToken(after, claims))).toEqual(claims);
  const lastMs = nowMs + leadMs + tokenMsMax;
  expect(keysAt(rotated, lastMs).publicKeys.has(old?.kid ?? '')).toBe(true);
  const over = keysAt(rotated, lastMs + 120_000);
  expect(over.jwks.keys.map(({ kid }) => kid)).toEqual([fresh?.kid]);
  await expect(readToken(over, token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });

  await expect(rotateKeys(path, { isRevoking: false, nowMs: nowMs + 1_000 })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('waits'),
  });
  const again = await rotateKeys(path, { isRevoking: false, nowMs: lastMs + 120_000 });
  expect(again.map(({ kid }) => kid)).toEqual([expect.any(String), fresh?.kid]);
});

it('that became known is taken away at once, and one change waits for another', async () => {
  const path = keyFileOf({ dataDir: await folder() });
  await ensureKeyFile(path);
  const token = await signToken(keysAt(await readKeyFile(path), Date.now()), claims);
  const revoked = await rotateKeys(path, { isRevoking: true });
  expect(revoked).toHaveLength(1);
  const keys = keysAt(revoked, Date.now());
  await expect(readToken(keys, token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await readToken(keys, await signToken(keys, claims))).toEqual(claims);
  await writeFile(`${path}.new`, '');
  await expect(rotateKeys(path, { isRevoking: true })).rejects.toMatchObject({
    code: 'CONFLICT',
    remedy: expect.stringContaining(`${path}.new`),
  });
});

it('is read again where the file is changed, and kept where it is broken', async () => {
  const dataDir = await folder();
  const metrics = new Metrics();
  const ring = await openKeyRing({ dataDir, metrics });
  const { kid } = await ring.current();
  const path = keyFileOf({ dataDir });
  const [fresh] = await rotateKeys(path, { isRevoking: true });
  const bounds = { timeout: 20_000, interval: 100 };
  await vi.waitFor(async () => expect((await ring.current()).kid).toBe(fresh?.kid), bounds);
  expect(fresh?.kid).not.toBe(kid);
  await writeFile(path, 'broken');
  const failed = async () => /failures_total ([1-9])/.exec(await metrics.registry.metrics())?.[1];
  await vi.waitFor(async () => {
    expect((await ring.current()).kid).toBe(fresh?.kid);
    expect(await failed()).toBeDefined();
  }, bounds);
});

it('is refused where it cannot sign, and the file is named', async () => {
  const keyFile = join(await folder(), 'session.pem');
  const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining(keyFile) };
  const open = () => openKeyRing({ dataDir: '/nowhere', keyFile, metrics: new Metrics() });
  await expect(open()).rejects.toMatchObject(refused);
  const texts = ['', 'no key', pem('ec'), pem('rsa', 1_024), pem('rsa').replace('MII', 'XXX')];
  for (const text of [...texts, `# signs from tomorrow\n${pem('rsa')}`]) {
    await writeFile(keyFile, text);
    await expect(open()).rejects.toMatchObject(refused);
  }
});

describe('a token', () => {
  it.each([
    ['over', (now: number) => ({ exp: now - 1 })],
    ['of another issuer', () => ({ iss: 'somebody' })],
    ['of no issuer', () => ({ iss: undefined })],
    ['for somebody else', () => ({ aud: 'another-api' })],
    ['of no session', () => ({ sid: undefined })],
    ['of a session that is none', () => ({ sid: '1 or 1=1' })],
    ['that never ends', () => ({ exp: undefined })],
  ] as const)('%s does not count', async (_, change) => {
    const keys = await freshKeys();
    const now = Math.floor(Date.now() / 1_000);
    const right = {
      ...{ sid: claims.sessionId, csrf: claims.csrfHash, iss: 'ticklake', aud: 'ticklake-api' },
      ...{ sub: claims.userId, iat: now, exp: now + 60 },
    };
    const header = { alg: 'RS256', typ: 'JWT', kid: keys.kid };
    const signed = async (payload: Record<string, unknown>) =>
      await new SignJWT(payload).setProtectedHeader(header).sign(keys.privateKey);
    expect((await readToken(keys, await signed(right))).userId).toBe(claims.userId);
    const forged = await signed({ ...right, ...change(now) });
    await expect(readToken(keys, forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const ofAnotherType = new SignJWT(right).setProtectedHeader({ ...header, typ: 'logout+jwt' });
    await expect(readToken(keys, await ofAnotherType.sign(keys.privateKey))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  it('counts under its own key and by its own algorithm alone', async () => {
    const [keys, other] = [await freshKeys(), await freshKeys()];
    const token = await signToken(keys, claims);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const body: Record<string, unknown> = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const publicPem = createPublicKey(keys.privateKey).export({ type: 'spki', format: 'pem' }).toString();
    const sign = async (alg: string, kid: string | undefined, key: KeyObject | Uint8Array) =>
      await new SignJWT(body).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);
    const none = (alg: string) => encoded({ alg, kid: keys.kid });
    const forged = [
      `${none('none')}.${payload}.`,
      `${none('NONE')}.${payload}.`,
      `${none('none')}.${payload}.${signature}`,
      await sign('HS256', keys.kid, Buffer.from(publicPem)),
      await sign('HS256', keys.kid, Buffer.from(publicPem.trim())),
      await sign('RS256', keys.kid, other.privateKey),
      await sign('RS256', other.kid, keys.privateKey),
      await sign('RS256', other.kid, other.privateKey),
      await sign('RS256', undefined, keys.privateKey),
      await sign('PS256', keys.kid, keys.privateKey),
      await sign('RS512', keys.kid, keys.privateKey),
      `${encoded({ alg: 'RS256', kid: keys.kid, jwk: other.jwks.keys[0] })}.${payload}.${signature}`,
      `${header}.${encoded({ ...body, sub: claims.sessionId })}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      '',
      'x.y.z',
    ];
    for (const bad of forged) {
      await expect(readToken(keys, bad), bad).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(await readToken(keys, token)).toEqual(claims);
  });
});

async function freshKeys(): Promise<SigningKeys> {
  const path = join(await folder(), 'session.pem');
  await ensureKeyFile(path);
  return keysAt(await readKeyFile(path), Date.now());
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
