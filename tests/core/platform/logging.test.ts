import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { configKeys, configSchema, type ConfigProperty } from '#core/platform/config-schema.ts';
import { maskUrls } from '#core/platform/logging.ts';
import { requires } from '#tests/support/require.ts';

/** Lines a logger writes in a process of its own, as it writes to the process's stderr. */
async function logged(level: string, statements: string): Promise<Record<string, unknown>[]> {
  const script = `
    import { createLogger } from '#core/platform/logging.ts';
    const logger = createLogger({ level: '${level}', name: 'tester' });
    ${statements}`;
  const { stdout, stderr } = await execa(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('');
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('lines are JSON with name, level as a word and an ISO time', async () => {
  const [line, ...rest] = await logged(
    'info',
    `logger.debug('unseen'); logger.info({ trades: 3 }, 'committed');`,
  );
  expect(rest).toEqual([]);
  expect(line).toMatchObject({ level: 'info', name: 'tester', trades: 3, msg: 'committed' });
  expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test(
  'a log on a full disk ends nothing',
  requires(existsSync('/dev/full'), '/dev/full', 'Run the tests on Linux.'),
  () => {
    const script = `
    import { createLogger } from '#core/platform/logging.ts';
    const logger = createLogger({ level: 'info', name: 'tester' });
    for (let line = 0; line < 20_000; line++) logger.info({ pad: 'x'.repeat(200) }, 'unwritten');
    console.log('went on');`;
    const full = openSync('/dev/full', 'w');
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', full],
      encoding: 'utf8',
    });
    closeSync(full);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'went on\n' });
  },
);

test('what is written is one line, whatever stands in it', async () => {
  const lines = await logged(
    'info',
    `logger.info({ path: '/a\\n{"level":"fatal"}' }, 'b\\r\\nc \\u2028 d');`,
  );
  expect(lines).toMatchObject([{ level: 'info', path: '/a\n{"level":"fatal"}', msg: 'b\r\nc \u2028 d' }]);
});

test('secrets are masked by key at two depths', async () => {
  const lines = await logged(
    'info',
    `logger.info({ password: 'hunter2', login: { token: 'hunter2' }, a: { b: { databaseUrl: 'hunter2' } }, databaseUrlApi: 'hunter2' }, 'x');`,
  );
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]).toMatchObject({
    password: '***',
    login: { token: '***' },
    a: { b: { databaseUrl: '***' } },
  });
});

test('so is every key of the configuration that is a secret', async () => {
  const secrets = configKeys.filter((key) => {
    const { isSecret, form = '' }: ConfigProperty = configSchema.properties[key];
    return isSecret === true || form.includes('password');
  });
  expect(secrets.length).toBeGreaterThan(5);
  const [line] = await logged(
    'info',
    `logger.info(${JSON.stringify(Object.fromEntries(secrets.map((key) => [key, 'hunter2'])))}, 'x');`,
  );
  expect(line).toMatchObject(Object.fromEntries(secrets.map((key) => [key, '***'])));
});

test('of an error its text, its plain properties and its context are written, not what a library hangs on it', async () => {
  const [line] = await logged(
    'info',
    `const error = Object.assign(new Error('lost'), { code: '57P01', context: { table: 't' }, client: { secretKey: 7 } });
     logger.error({ err: error }, 'failed');`,
  );
  expect(line).toMatchObject({
    err: { type: 'Error', message: 'lost', code: '57P01', context: { table: 't' } },
  });
  expect(JSON.stringify(line)).not.toContain('secretKey');
});

test('passwords in URLs are masked in messages and in errors with their stack', async () => {
  const lines = await logged(
    'info',
    `logger.info('to postgres://me:hunter2@db/x');
     logger.error({ err: new Error('no answer from postgres://me:hunter2@db/x') }, 'failed');
     logger.warn({ reason: 'no answer from postgres://me:hunter2@db/x' }, 'again');`,
  );
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]?.['msg']).toBe('to postgres://me:***@db/x');
  expect(lines[1]).toMatchObject({
    err: { type: 'Error', message: 'no answer from postgres://me:***@db/x' },
  });
});

test.each([
  ['postgres://me:pw@db:5432/x', 'postgres://me:***@db:5432/x'],
  ['a https://u:p@h and kafka://v:q@k', 'a https://u:***@h and kafka://v:***@k'],
  ['postgres://me@db/x', 'postgres://me@db/x'],
  ['http://127.0.0.1:8080/a@b', 'http://127.0.0.1:8080/a@b'],
])('maskUrls(%s)', (text, masked) => {
  expect(maskUrls(text)).toBe(masked);
});
