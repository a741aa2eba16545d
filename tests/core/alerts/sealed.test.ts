import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSecretBox } from '#core/alerts/sealed.ts';

const secret = Buffer.from('a secret of a webhook');
let dataDir = '';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-sealed-'));
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

async function keyFile(name: string, ...lines: string[]): Promise<string> {
  const path = join(dataDir, name);
  await writeFile(path, lines.join('\n'));
  return path;
}

const newKey = (): string => randomBytes(32).toString('base64');

describe('a sealed secret', () => {
  it('opens with the key of the data dir, which is its owner’s alone', async () => {
    const sealed = (await openSecretBox({ dataDir })).seal(secret, 'one');
    expect(sealed.includes(secret)).toBe(false);
    expect((await openSecretBox({ dataDir })).open(sealed, 'one')).toEqual(secret);
    expect((await stat(join(dataDir, 'keys', 'webhooks.key'))).mode & 0o777).toBe(0o600);
  });

  it('is never the same twice', async () => {
    const box = await openSecretBox({ dataDir });
    expect(box.seal(secret, 'one')).not.toEqual(box.seal(secret, 'one'));
  });

  it('does not open for another, nor when it was changed', async () => {
    const box = await openSecretBox({ dataDir });
    const sealed = box.seal(secret, 'one');
    expect(() => box.open(sealed, 'two')).toThrow(/not as it was sealed/);
    for (const at of [8, 20, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => box.open(changed, 'one'), `byte ${at}`).toThrow(/not as it was sealed/);
    }
    expect(() => box.open(sealed.subarray(0, 10), 'one')).toThrow();
  });

  it('opens after the key was changed, for as long as the older one is kept', async () => {
    const [older, newer] = [newKey(), newKey()];
    const first = await openSecretBox({ dataDir, keyFile: await keyFile('first', older) });
    const both = await openSecretBox({ dataDir, keyFile: await keyFile('both', newer, older, '') });
    const last = await openSecretBox({ dataDir, keyFile: await keyFile('last', newer) });
    const sealed = first.seal(secret, 'one');
    expect(both.open(sealed, 'one')).toEqual(secret);
    expect(last.open(both.seal(secret, 'one'), 'one')).toEqual(secret);
    expect(() => last.open(sealed, 'one')).toThrow(/is not in it/);
  });

  it.each([
    ['nothing', ''],
    ['a short key', 'c2hvcnQ='],
  ])('is none where the file holds %s', async (name, text) => {
    const path = await keyFile(name, text);
    await expect(openSecretBox({ dataDir, keyFile: path })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('is the same for all who name a file, whoever makes it', async () => {
    const shared = join(dataDir, 'shared', 'webhooks.key');
    const boxes = await Promise.all([1, 2, 3].map(() => openSecretBox({ dataDir, keyFile: shared })));
    const sealed = boxes.map((box) => box.seal(secret, 'one'));
    for (const box of boxes) for (const one of sealed) expect(box.open(one, 'one')).toEqual(secret);
  });
});
