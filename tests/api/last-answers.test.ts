import fastify, { type FastifyInstance } from 'fastify';
import { beforeEach, describe, expect, it } from 'vitest';
import { lastAnswers } from '#api/plugins/last-answers.ts';
import { problems } from '#api/plugins/problems.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { Metrics } from '#core/platform/metrics.ts';

describe('while what a route needs does not answer', () => {
  let app: FastifyInstance;
  let failure: TicklakeError | undefined;
  let asked = 0;

  beforeEach(async () => {
    failure = undefined;
    asked = 0;
    app = fastify();
    await app.register(problems);
    await app.register(lastAnswers, { metrics: new Metrics() });
    for (const url of ['/v1/markets/:symbol', '/v1/portfolios/:portfolioId']) {
      app.get(url, () => {
        if (failure !== undefined) throw failure;
        asked += 1;
        return { asked };
      });
    }
  });

  const get = (url: string) => app.inject({ method: 'GET', url });

  it('the last answer to the same request is given, and marked', async () => {
    expect((await get('/v1/markets/A')).headers['cache-status']).toBeUndefined();
    await get('/v1/markets/A?limit=1');
    failure = new TicklakeError('DATABASE_UNREACHABLE', 'gone');
    const answer = await get('/v1/markets/A');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ asked: 1 });
    expect(answer.headers['age']).toMatch(/^\d+$/);
    expect(answer.headers['cache-status']).toMatch(/^ticklake; hit; ttl=-\d+; fwd-status=503$/);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect((await get('/v1/markets/B')).statusCode).toBe(503);
    failure = undefined;
    const fresh = await get('/v1/markets/A');
    expect(fresh.json()).toEqual({ asked: 3 });
    expect(fresh.headers['age']).toBeUndefined();
  });

  it('what is wrong with a request is said, and what is of a user is never kept', async () => {
    await get('/v1/markets/A');
    await get('/v1/portfolios/1');
    failure = new TicklakeError('BAD_REQUEST', 'no');
    expect((await get('/v1/markets/A')).statusCode).toBe(400);
    failure = new TicklakeError('UNAVAILABLE', 'gone');
    expect((await get('/v1/portfolios/1')).statusCode).toBe(503);
  });
});
