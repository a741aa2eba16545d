import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createRestClient } from '#api/client/index.ts';
import type { Problem } from '#api/schemas/common.ts';
import type {
  JobCardList,
  RunAnswer,
  RunList,
  RunPartitionList,
  RunWithSteps,
  ScheduleList,
} from '#api/schemas/jobs.ts';
import type { ServerMessage } from '#api/schemas/stream.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { startHeldJobs, type HeldJobs } from './held-jobs.ts';
import { openService, type Service } from './service.ts';

let ground: TestLake;
let held: HeldJobs;
let service: Service;
let url: string;

beforeAll(async () => {
  ground = await openTestLake();
  held = await startHeldJobs(ground);
  service = await openService(ground, { jobCards: held.cards });
  url = await service.app.listen({ host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await service.close();
  await held.close();
  await ground.close();
});

const host = 'localhost:8080';
const json = { host, 'content-type': 'application/json' };

async function get<T>(url: string, status = 200): Promise<T> {
  const answer = await service.app.inject({ url, headers: { host } });
  expect(answer.statusCode, answer.body).toBe(status);
  return answer.json<T>();
}

function post(url: string, payload: object | undefined, headers: Record<string, string> = json) {
  return service.app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
}

/** Asks for a run of held partitions. */
async function start(keys: string[], more: object = {}): Promise<RunAnswer> {
  const answer = await post('/v1/jobs', { job: 'held-work', params: { keys }, ...more });
  expect(answer.statusCode, answer.body).toBe(202);
  return answer.json<RunAnswer>();
}

async function untilState(runId: string, state: string): Promise<RunWithSteps> {
  return await vi.waitFor(
    async () => {
      const run = await get<RunWithSteps>(`/v1/jobs/runs/${runId}`);
      expect(run.state).toBe(state);
      return run;
    },
    { timeout: 30_000, interval: 50 },
  );
}

describe('jobs', () => {
  it('are listed with their parameters', async () => {
    const { items } = await get<JobCardList>('/v1/jobs');
    expect(items).toMatchObject([
      {
        name: 'held-work',
        kind: 'job',
        description: 'Waits to be let go.',
        parameters: { properties: { keys: { type: 'array', description: 'Names of the partitions.' } } },
        whenRunning: 'join',
      },
      { name: 'held-chain', kind: 'chain' },
    ]);
  });

  it('asked for with one key by many at once are one run', async () => {
    const body = { job: 'held-work', params: { keys: ['once'] } };
    const headers = { ...json, 'idempotency-key': 'nightly-1' };
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        index % 2 === 0
          ? post('/v1/jobs', body, headers)
          : post('/v1/jobs', { ...body, idempotencyKey: 'nightly-1' }),
      ),
    );
    const runs = answers.map((answer) => answer.json<RunAnswer>());
    expect(new Set(runs.map(({ run }) => run.runId)).size).toBe(1);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 200, 202]);
    expect(runs.map(({ outcome }) => outcome).sort()).toEqual([
      'created',
      'repeated',
      'repeated',
      'repeated',
    ]);
    expect(answers[0]?.headers['location']).toBe(`/v1/jobs/runs/${runs[0]?.run.runId}`);
    held.let('once');
    const later = await post('/v1/jobs?wait=60', body, headers);
    expect(later.statusCode).toBe(200);
    expect(later.json<RunAnswer>()).toMatchObject({
      outcome: 'repeated',
      run: { state: 'succeeded', requestedBy: 'api', partitions: { total: 1, finished: 1 } },
    });
    expect(held.begun('once')).toBe(1);
  });

  it('asked for without a key join the run that goes on', async () => {
    const { run } = await start(['joined']);
    const again = await post('/v1/jobs', { job: 'held-work', params: { keys: ['joined'] } });
    expect(again.statusCode).toBe(200);
    expect(again.json<RunAnswer>()).toMatchObject({ outcome: 'joined', run: { runId: run.runId } });
    const request = { job: 'held-work', params: { keys: ['joined'] }, idempotencyKey: 'joins' };
    expect((await post('/v1/jobs', request)).json<RunAnswer>().outcome).toBe('joined');
    held.let('joined');
    await untilState(run.runId, 'succeeded');
    // Its answer was lost; the key stands for the run that it joined, also after that has ended.
    const lost = await post('/v1/jobs', request);
    expect(lost.json<RunAnswer>()).toMatchObject({ outcome: 'repeated', run: { runId: run.runId } });
    const other = await post('/v1/jobs', { ...request, params: { keys: ['others'] } });
    expect(other.statusCode).toBe(409);
  });

  it('can be waited for, by those who ask and by others', async () => {
    // Over a socket, as a request's body ends long before its answer begins.
    const client = createRestClient(url);
    const asked = fetch(`${url}/v1/jobs?wait=60`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ job: 'held-work', params: { keys: ['awaited'] } }),
    });
    const runId = await vi.waitFor(async () => {
      const { items } = await get<RunList>('/v1/jobs/runs?state=running');
      const run = items.find(({ params }) => JSON.stringify(params).includes('awaited'));
      expect(run).toBeDefined();
      return run?.runId ?? '';
    }, 30_000);
    expect((await client.run(runId, 1)).state).toBe('running');
    const other = fetch(`${url}/v1/jobs/runs/${runId}?wait=60`);
    await vi.waitFor(async () => expect(await waiting()).toBe(2), 30_000);
    held.let('awaited');
    expect((await ((await asked).json() as Promise<RunAnswer>)).run.state).toBe('succeeded');
    expect((await ((await other).json() as Promise<RunWithSteps>)).state).toBe('succeeded');
    expect(await waiting()).toBe(0);
  });

  it('are not waited for when nobody is there to hear of it', async () => {
    const { run } = await start(['unheard']);
    const leaving = new AbortController();
    const asked = fetch(`${url}/v1/jobs/runs/${run.runId}?wait=300`, { signal: leaving.signal });
    await vi.waitFor(async () => expect(await waiting()).toBe(1), 30_000);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await vi.waitFor(async () => expect(await waiting()).toBe(0), 30_000);
    held.let('unheard');
    await untilState(run.runId, 'succeeded');
  });

  it('say everything that is wrong with what is asked', async () => {
    const wrong = async (payload: object, status: number): Promise<Problem> => {
      const answer = await post('/v1/jobs', payload);
      expect(answer.statusCode, answer.body).toBe(status);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      return answer.json<Problem>();
    };
    expect(await wrong({ job: 'held-werk' }, 404)).toMatchObject({ remedy: 'Did you mean held-work?' });
    const { detail } = await wrong({ job: 'held-work', params: { keys: [1, ''], more: 1 } }, 400);
    expect(detail).toMatch(/keys\.0 .*keys\.1 .*|keys\.1 .*keys\.0 .*/);
    expect(detail).toContain('more');
    await wrong({ params: {} }, 400);
    await wrong({ job: 'held-work', idempotencyKey: 'nightly-1', params: { keys: ['another'] } }, 409);
    const two = await post(
      '/v1/jobs',
      { job: 'held-work', idempotencyKey: 'a' },
      { ...json, 'idempotency-key': 'b' },
    );
    expect(two.json<Problem>()).toMatchObject({ status: 400, remedy: 'Send one of them.' });
    await get<Problem>('/v1/jobs/runs/3f0b6f0c-6a39-4a5d-9c43-0d8a3f7c2f11', 404);
    await get<Problem>('/v1/jobs/runs/7', 400);
    await get<Problem>('/v1/jobs/runs/3f0b6f0c-6a39-4a5d-9c43-0d8a3f7c2f11?wait=301', 400);
  });

  it.each([
    ['a foreign Host', { ...json, host: 'evil.example' }],
    ['a foreign Origin', { ...json, origin: 'http://evil.example' }],
    ['no Origin of this service', { ...json, origin: 'null' }],
    ['the Origin of another port', { ...json, origin: 'http://localhost:9999' }],
    ["a form's content", { host, 'content-type': 'text/plain' }],
    ['no content type', { host }],
  ])('are not asked for with %s', async (_name, headers) => {
    const before = (await get<RunList>('/v1/jobs/runs')).items.length;
    const body = JSON.stringify({ job: 'held-work', params: { keys: ['never'] } });
    const answer = await service.app.inject({ method: 'POST', url: '/v1/jobs', headers, payload: body });
    expect(answer.statusCode).toBe(400);
    expect(answer.json<Problem>().code).toBe('BAD_REQUEST');
    expect((await get<RunList>('/v1/jobs/runs')).items).toHaveLength(before);
  });

  it('are asked for by a page of this service', async () => {
    const answer = await post(
      '/v1/jobs',
      { job: 'held-work', params: { keys: ['page'] } },
      { ...json, origin: `http://${host}` },
    );
    expect(answer.statusCode).toBe(202);
    held.let('page');
    await untilState(answer.json<RunAnswer>().run.runId, 'succeeded');
  });
});

describe('a run', () => {
  it('that failed is done again only where it failed', async () => {
    held.fail('bad', true);
    held.let('good', 'bad', 'fine');
    const { run } = await start(['good', 'bad', 'fine']);
    const failed = await untilState(run.runId, 'failed');
    expect(failed.partitions).toMatchObject({ finished: 2, failed: 1 });
    expect(failed.error?.message).toContain('bad');
    const parts = `/v1/jobs/runs/${run.runId}/partitions`;
    const { items } = await get<RunPartitionList>(`${parts}?state=failed`);
    expect(items).toMatchObject([{ key: 'bad', attempts: 1, error: { message: 'bad was told to fail' } }]);
    const first = await get<RunPartitionList>(`${parts}?limit=2`);
    const rest = await get<RunPartitionList>(`${parts}?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items].map(({ key }) => key)).toEqual(['good', 'bad', 'fine']);
    expect(rest.nextCursor).toBeNull();
    expect(first.items[0]).toMatchObject({ state: 'finished', committed: { rows: 4 } });

    held.fail('bad', false);
    const retried = await post(`/v1/jobs/runs/${run.runId}/retry`, undefined);
    expect(retried.statusCode, retried.body).toBe(202);
    expect(retried.headers['location']).toBe(`/v1/jobs/runs/${run.runId}`);
    await untilState(run.runId, 'succeeded');
    expect(['good', 'bad', 'fine'].map(held.begun)).toEqual([1, 2, 1]);
    expect((await post(`/v1/jobs/runs/${run.runId}/retry`, undefined)).statusCode).toBe(409);
  });

  it('is cancelled with what waits and what runs', async () => {
    const { run } = await start(['endless']);
    await untilState(run.runId, 'running');
    const cancelled = await post(`/v1/jobs/runs/${run.runId}/cancel`, undefined);
    expect(cancelled.statusCode, cancelled.body).toBe(200);
    expect(cancelled.json<RunWithSteps>().state).toBe('cancelled');
    expect((await post(`/v1/jobs/runs/${run.runId}/cancel`, {})).statusCode).toBe(200);
  });

  it('of a chain shows its steps', async () => {
    held.let('first');
    const answer = await post('/v1/jobs', { job: 'held-chain', params: { keys: ['first', 'second'] } });
    const { runId, steps } = answer.json<RunAnswer>().run;
    expect(steps.map(({ job, step }) => [job, step])).toEqual([
      ['held-work', 0],
      ['held-work', 1],
    ]);
    held.let('second');
    const run = await get<RunWithSteps>(`/v1/jobs/runs/${runId}?wait=60`);
    expect(run).toMatchObject({
      state: 'succeeded',
      steps: [{ state: 'succeeded' }, { state: 'succeeded' }],
    });
  });

  it('stands in pages with the others, newest first', async () => {
    const ids: string[] = [];
    let cursor = '';
    do {
      const page = await get<RunList>(`/v1/jobs/runs?job=held-work&limit=2${cursor}`);
      ids.push(...page.items.map(({ runId }) => runId));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    const all = await get<RunList>('/v1/jobs/runs?job=held-work&limit=200');
    expect(ids).toEqual(all.items.map(({ runId }) => runId));
    expect(ids.length).toBeGreaterThan(4);
    const times = all.items.map(({ enqueuedAt }) => enqueuedAt);
    expect(times).toEqual(times.toSorted().reverse());
  });
});

describe('the timetable', () => {
  it('is shown with its ticks', async () => {
    const scheduler = held.jobs.createScheduler({
      timetable: [
        {
          name: 'daily',
          cron: '30 2 * * *',
          job: 'held-work',
          params: { keys: ['daily'] },
          missed: 'latest',
        },
        {
          name: 'off',
          cron: '0 * * * *',
          job: 'held-work',
          params: { keys: ['off'] },
          missed: 'skip',
          enabled: false,
        },
      ],
    });
    await scheduler.decide();
    await scheduler.close();
    const { items } = await get<ScheduleList>('/v1/jobs/schedule');
    expect(items).toMatchObject([
      { name: 'daily', cron: '30 2 * * *', job: 'held-work', enabled: true, lastTick: null },
      { name: 'off', enabled: false, nextTick: null },
    ]);
    expect(items[0]?.nextTick).toMatch(/T02:30:00\.000Z$/);
    expect(Date.parse(items[0]?.nextTick ?? '')).toBeGreaterThan(Date.now());
  });
});

describe('the stream', () => {
  it('tells how a run goes on, until its end', async () => {
    const { run } = await start(['one', 'two']);
    const client = await connect();
    client.say({ op: 'subscribe', channel: `jobs:${run.runId}` });
    client.say({ op: 'subscribe', channel: 'jobs' });
    await client.until(() => client.states('jobs').has(run.runId));
    expect(client.messages.filter(({ op }) => op === 'snapshot')).toHaveLength(2);
    const own = `jobs:${run.runId}`;
    await client.until(() => (client.last(own)?.progress ?? 0) > 0);
    expect(client.last(own)?.progress).toBeLessThan(1);
    held.let('one');
    await client.until(() => client.last(own)?.partitions.finished === 1);
    held.let('two');
    await client.until(() => client.states(own).get(run.runId) === 'succeeded');
    expect(client.last(own)).toMatchObject({ progress: 1, partitions: { finished: 2, total: 2 } });
    await client.until(() => client.states('jobs').get(run.runId) === 'succeeded');
    client.say({ op: 'unsubscribe', channel: own });
    await client.until(() => client.messages.at(-1)?.op === 'unsubscribed');
    await client.close();
  });

  it('says that a run is not there', async () => {
    const client = await connect();
    client.say({ op: 'subscribe', channel: 'jobs:3f0b6f0c-6a39-4a5d-9c43-0d8a3f7c2f11' });
    client.say({ op: 'subscribe', channel: 'jobs:7' });
    await client.until(() => client.messages.length === 2);
    expect(client.messages).toMatchObject([
      { op: 'error', problem: { code: 'NOT_FOUND' } },
      { op: 'error', problem: { code: 'BAD_REQUEST' } },
    ]);
    await client.close();
  });

  it('answers those who wait when the service ends', async () => {
    const { run } = await start(['unended']);
    const waited = get<RunWithSteps>(`/v1/jobs/runs/${run.runId}?wait=300`);
    await vi.waitFor(async () => expect(await waiting()).toBe(1), 30_000);
    await service.close();
    expect((await waited).state).toMatch(/waiting|running/);
    service = await openService(ground, { jobCards: held.cards });
  });
});

async function waiting(): Promise<number> {
  const metric = await service.metrics.gauge('ticklake_api_run_waiters', '').get();
  return metric.values[0]?.value ?? 0;
}

async function connect() {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`);
  const messages: ServerMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as ServerMessage));
  await once(socket, 'open');
  const runs = (channel: string) =>
    messages.flatMap((message) =>
      (message.op === 'snapshot' || message.op === 'update') &&
      !('resumeToken' in message) &&
      message.channel === channel
        ? message.data
        : [],
    );
  return {
    messages,
    say: (message: object) => socket.send(JSON.stringify(message)),
    until: (done: () => boolean) =>
      vi.waitFor(() => expect(done()).toBe(true), { timeout: 30_000, interval: 20 }),
    /** Newest state of each run told on a channel. */
    states: (channel: string) => new Map(runs(channel).map(({ runId, state }) => [runId, state])),
    last: (channel: string) => runs(channel).at(-1),
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
