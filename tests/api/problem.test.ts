import fastify, { LogController } from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { problemOf } from '#api/problem.ts';
import { problems } from '#api/plugins/problems.ts';
import { TicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import { collectLog } from '#tests/support/log-lines.ts';

const inside = 'connect ECONNREFUSED 10.0.0.5:5432 for ticklake_login_api';

it.each([
  'INTERNAL',
  'DATABASE_UNREACHABLE',
  'DATABASE_WRONG',
  'COMMIT_UNKNOWN',
  'CONFIG_INVALID',
  'DISK_FULL',
] as const)('%s tells nothing of what lies behind the service', (code) => {
  const problem = problemOf(new TicklakeError(code, inside, { remedy: `Check ${inside}.` }));
  expect(JSON.stringify(problem)).not.toMatch(/10\.0\.0\.5|ECONN|login/);
  expect(problem).toMatchObject({
    code,
    detail: expect.stringContaining('service'),
    remedy: expect.any(String),
  });
});

it.each(['BAD_REQUEST', 'NOT_FOUND', 'TIMEOUT', 'OVERLOADED', 'UNAVAILABLE'] as const)(
  '%s tells what is wrong, and what to do',
  (code) => {
    const error = new TicklakeError(code, 'too many, of postgres://me:hunter2@db/x', {
      remedy: 'Ask for less.',
    });
    expect(problemOf(error)).toMatchObject({
      detail: 'too many, of postgres://me:***@db/x',
      remedy: 'Ask for less.',
    });
  },
);

it('who may not do something: a line says who, where and what, and nothing of what was sent', async () => {
  const { logger: loggerInstance, lines } = collectLog();
  const logController = new LogController({ disableRequestLogging: true });
  const app = fastify({ loggerInstance, logController });
  onTestFinished(() => app.close());
  await app.register(problems);
  const failing = (path: string, code: ErrorCode, context: Record<string, unknown> = {}): void => {
    app.get(path, () => {
      throw new TicklakeError(code, 'no', { context });
    });
  };
  failing('/signed-in/:id', 'UNAUTHENTICATED');
  failing('/role/:id', 'FORBIDDEN');
  failing('/foreign/:id', 'NOT_FOUND', { isRefusal: true });
  failing('/missing/:id', 'NOT_FOUND', { isRefusal: false });
  failing('/wrong/:id', 'BAD_REQUEST');
  for (const path of ['signed-in', 'role', 'foreign', 'missing', 'wrong']) {
    await app.inject({ url: `/${path}/hunter2?token=hunter2`, headers: { authorization: 'Bearer hunter2' } });
  }
  expect(lines).toMatchObject(
    [
      ['UNAUTHENTICATED', 'GET /signed-in/:id'],
      ['FORBIDDEN', 'GET /role/:id'],
      ['NOT_FOUND', 'GET /foreign/:id'],
    ].map(([code, what]) => ({ event: 'refused', code, what, address: '127.0.0.1' })),
  );
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

it('who is refused as too many ask is told when to come back', async () => {
  const app = fastify();
  onTestFinished(() => app.close());
  await app.register(problems);
  app.get('/:seconds', (request) => {
    const { seconds } = request.params as { seconds: string };
    const context = seconds === 'some' ? {} : { retryAfterSeconds: Number(seconds) };
    throw new TicklakeError('OVERLOADED', 'too many ask', { context });
  });
  expect((await app.inject('/7')).headers).toMatchObject({ 'retry-after': '7' });
  expect((await app.inject('/some')).headers['retry-after']).toMatch(/^[1-9]\d*$/);
});

it('an outage is one line without a stack, which says what caused it', async () => {
  const { logger: loggerInstance, lines } = collectLog();
  const app = fastify({ loggerInstance, logController: new LogController({ disableRequestLogging: true }) });
  onTestFinished(() => app.close());
  await app.register(problems);
  app.get('/', () => {
    throw new TicklakeError('UNAVAILABLE', 'the files cannot be read', { cause: new Error(inside) });
  });
  const answer = await app.inject('/');
  expect(answer.body).not.toContain('ECONN');
  expect(lines).toMatchObject([{ code: 'UNAVAILABLE', reason: `the files cannot be read: ${inside}` }]);
  expect(lines[0]).not.toHaveProperty('err');
});

it('a failure is answered with the id that the log has it under', async () => {
  const app = fastify();
  onTestFinished(() => app.close());
  await app.register(problems);
  app.get('/', () => {
    throw new Error(inside);
  });
  const answer = await app.inject('/');
  expect(answer.statusCode).toBe(500);
  expect(answer.headers['x-request-id']).toMatch(/^req-\w+$/);
  expect(answer.body).not.toContain('ECONN');
});
