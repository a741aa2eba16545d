import { expect, test } from 'vitest';
import { configDocs } from '#core/platform/config.ts';
import { runCli } from './support.ts';

test('config show prints what is in force, passwords masked', async () => {
  const env = { TICKLAKE_DATABASE_URL: 'postgres://me:hunter2@db/lake', TICKLAKE_API_PORT: '9000' };
  const { code, stdout, stderr } = await runCli(['--data-dir', 'here', 'config', 'show', '--json'], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    dataDir: '/somewhere/here',
    databaseUrl: 'postgres://me:***@db/lake',
    apiPort: 9000,
  });

  const table = await runCli(['config', 'show', '--log-level', 'warn'], env);
  expect(table.stdout).toMatch(/^logLevel +warn$/m);
  expect(table.stdout).toMatch(/^apiPort +9000$/m);
  expect(table.stdout).not.toContain('hunter2');
});

test('config docs prints the reference', async () => {
  expect((await runCli(['config', 'docs'])).stdout).toBe(configDocs());
});
