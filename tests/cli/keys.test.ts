import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ensureKeyFile } from '#core/identity/key-file.ts';
import { runCli } from './support.ts';

interface Shown {
  kid: string;
  state: string;
}

test('keys are listed, changed ahead, and revoked', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-keys-'));
  onTestFinished(async () => await rm(dir, { recursive: true }));
  const sessionKeyFile = join(dir, 'session.pem');
  await ensureKeyFile(sessionKeyFile);
  const env = { TICKLAKE_SESSION_KEY_FILE: sessionKeyFile };
  const keys = async (...args: string[]): Promise<Shown[]> => {
    const { stdout, stderr, code } = await runCli(['keys', ...args, '--json'], env);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('PRIVATE');
    return JSON.parse(stdout) as Shown[];
  };
  const states = (shown: Shown[]) => shown.map(({ state }) => state);
  const [first] = await keys('list');
  expect(first?.state).toBe('signs');
  const rotated = await keys('rotate');
  expect(states(rotated)).toEqual(['waits', 'signs']);
  expect(rotated[1]?.kid).toBe(first?.kid);
  expect(states(await keys('rotate', '--revoke'))).toEqual(['signs']);
  const none = await runCli(['keys', 'list'], { TICKLAKE_SESSION_KEY_FILE: join(dir, 'none.pem') });
  expect(none).toMatchObject({ code: 64, stderr: expect.stringContaining('none.pem') });
});
