import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isTicklakeError, messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';

test('a code says whether to try again, the exit code and the status', () => {
  const refused = new TicklakeError('DATABASE_UNREACHABLE', 'No answer', {
    remedy: 'Start it.',
    context: { port: 1 },
  });
  expect(refused).toMatchObject({
    retryable: true,
    exitCode: 75,
    httpStatus: 503,
    remedy: 'Start it.',
    context: { port: 1 },
  });
  const wrong = new TicklakeError('CONFIG_INVALID', 'Wrong');
  expect(wrong).toMatchObject({
    retryable: false,
    exitCode: 64,
    httpStatus: 500,
    remedy: undefined,
    context: {},
  });
});

test('the cause is kept, and absent where there is none', () => {
  const cause = new Error('below');
  expect(new TicklakeError('INTERNAL', 'above', { cause }).cause).toBe(cause);
  expect('cause' in new TicklakeError('INTERNAL', 'above')).toBe(false);
});

test('isTicklakeError knows ours, and which', () => {
  const error = new TicklakeError('CONFLICT', 'x');
  expect(isTicklakeError(error)).toBe(true);
  expect(isTicklakeError(error, 'CONFLICT')).toBe(true);
  expect(isTicklakeError(error, 'TIMEOUT')).toBe(false);
  expect(isTicklakeError(new Error('x'))).toBe(false);
});

test('ours stay as they are, others get the fallback around them', () => {
  const ours = new TicklakeError('CONFLICT', 'x');
  expect(toTicklakeError(ours, 'TIMEOUT')).toBe(ours);
  const other = new TypeError('x is not a function');
  expect(toTicklakeError(other)).toMatchObject({
    code: 'INTERNAL',
    message: 'x is not a function',
    cause: other,
  });
  expect(toTicklakeError('text', 'TIMEOUT')).toMatchObject({ code: 'TIMEOUT', message: 'text' });
});

test('a port in use is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-errors-'));
  const first = createServer().listen(join(folder, 'socket'));
  onTestFinished(async () => {
    await new Promise((resolve) => first.close(resolve));
    await rm(folder, { recursive: true });
  });
  await new Promise((resolve) => first.once('listening', resolve));
  const error = await new Promise((resolve) =>
    createServer().once('error', resolve).listen(join(folder, 'socket')),
  );
  expect(toTicklakeError(error)).toMatchObject({ code: 'PORT_IN_USE', exitCode: 75, cause: error });
});

test('a full disk is named, by code or by another program’s words', () => {
  const byCode = Object.assign(new Error('write failed'), { code: 'ENOSPC' });
  expect(toTicklakeError(byCode)).toMatchObject({ code: 'DISK_FULL', httpStatus: 507 });
  expect(toTicklakeError(new Error('could not extend file: No space left on device')).code).toBe('DISK_FULL');
});

test('messages of what was thrown', () => {
  expect(messageOf(new Error('a'))).toBe('a');
  expect(messageOf(new AggregateError([new Error('a'), 'b']))).toBe('a; b');
  expect(messageOf(new AggregateError([new Error('a')], 'all'))).toBe('all');
  expect(messageOf(3)).toBe('3');
});
