import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSigningKeys } from '#core/identity/signing-key.ts';
import { readToken, signToken } from '#core/identity/tokens.ts';

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
  const dataDir = await folder();
  const opened = await Promise.all(Array.from({ length: 4 }, () => openSigningKeys({ dataDir })));
  expect(new Set(opened.map(({ kid }) => kid)).size).toBe(1);
  expect(await readdir(join(dataDir, 'keys'))).toEqual(['session.pem']);
  expect((await stat(join(dataDir, 'keys', 'session.pem'))).mode & 0o777).toBe(0o600);
  expect((await openSigningKeys({ dataDir })).kid).toBe(opened[0]?.kid);
});

it('is changed by a new one on top; what the old one signed counts until it is taken away', async () => {
  const keyFile = join(await folder(), 'session.pem');
  const [old, fresh] = [pem('rsa'), pem('rsa')];
  const at = async (text: string) => {
    await writeFile(keyFile, text);
    return await openSigningKeys({ dataDir: '/nowhere', keyFile });
  };
  const token = await signToken(await at(old), claims);
  const both = await at(`${fresh}\n${old}`);
  expect(both.jwks.keys).toHaveLength(2);
  expect(await readToken(both, token)).toEqual(claims);
  expect(await readToken(both, await signToken(both, claims))).toEqual(claims);
  await expect(readToken(await at(fresh), token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

it('is refused where it cannot sign, and the file is named', async () => {
  const keyFile = join(await folder(), 'session.pem');
  const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining(keyFile) };
  await expect(openSigningKeys({ dataDir: '/nowhere', keyFile })).rejects.toMatchObject(refused);
  for (const text of ['', 'no key', pem('ec'), pem('rsa', 1_024), pem('rsa').replace('MII', 'XXX')]) {
    await writeFile(keyFile, text);
    await expect(openSigningKeys({ dataDir: '/nowhere', keyFile })).rejects.toMatchObject(refused);
  }
});

it('signs what ends in time', async () => {
  const keys = await openSigningKeys({ dataDir: await folder() });
  const over = await signToken(keys, { ...claims, expiresAtMs: Date.now() - 1_000 });
  await expect(readToken(keys, over)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});
