import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunProgress } from '#api/schemas/jobs.ts';
import { RunFeed } from '#api/stream/run-feed.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startHeldJobs, type HeldJobs } from '#tests/api/held-jobs.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let ground: TestLake;
let held: HeldJobs;

beforeAll(async () => {
  ground = await openTestLake();
  held = await startHeldJobs(ground);
});
afterAll(async () => {
  await held.close();
  await ground.close();
});

const pollMs = 100;

function openFeed(waitersMax = 100): RunFeed {
  const { database, logger } = ground;
  return new RunFeed({ database, logger, metrics: new Metrics(), pollMs, waitersMax });
}

async function start(keys: string[]): Promise<string> {
  const { runId } = await held.jobs.enqueue({ job: 'held-work', params: { keys }, requestedBy: 'test' });
  return runId;
}

/** Somebody who keeps what it is told. */
function listener() {
  const frames: { op: string; channel: string; data: RunProgress[] }[] = [];
  return {
    frames,
    send: (text: string) => void frames.push(JSON.parse(text) as (typeof frames)[number]),
    last: () => frames.at(-1)?.data.at(-1),
  };
}

it('tells of many parts in few frames, and the end always', async () => {
  const feed = openFeed();
  const keys = Array.from({ length: 60 }, (_, index) => `part-${index}`);
  const runId = await start(keys);
  const one = listener();
  const other = listener();
  const begun = performance.now();
  await feed.subscribe(one, `jobs:${runId}`);
  await feed.subscribe(other, 'jobs');
  held.let(...keys);
  await vi.waitFor(() => expect(one.last()?.state).toBe('succeeded'), { timeout: 30_000, interval: 20 });
  const looks = (performance.now() - begun) / pollMs + 2;
  expect(one.frames.length).toBeLessThanOrEqual(looks);
  expect(one.frames.map(({ op }) => op)).toEqual([
    'snapshot',
    ...Array(one.frames.length - 1).fill('update'),
  ]);
  expect(one.last()).toMatchObject({ runId, progress: 1, partitions: { finished: 60, total: 60 } });
  const done = one.frames.map(({ data }) => data.at(-1)?.partitions.finished ?? 0);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  await vi.waitFor(() => expect(other.last()).toMatchObject({ runId, state: 'succeeded' }), 30_000);
  await feed.close();
});

it('tells nobody who has left', async () => {
  const feed = openFeed();
  const runId = await start(['left']);
  const gone = listener();
  const there = listener();
  await feed.subscribe(gone, `jobs:${runId}`);
  await feed.subscribe(there, `jobs:${runId}`);
  feed.remove(gone);
  const heard = gone.frames.length;
  held.let('left');
  await vi.waitFor(() => expect(there.last()?.state).toBe('succeeded'), { timeout: 30_000, interval: 20 });
  expect(gone.frames).toHaveLength(heard);
  await feed.close();
});

it('lets only so many wait', async () => {
  const feed = openFeed(1);
  const runId = await start(['waited']);
  const patience = { waitMs: 60_000, signal: new AbortController().signal };
  const first = feed.untilEnded(runId, patience);
  await expect(feed.untilEnded(runId, patience)).rejects.toMatchObject({
    code: 'OVERLOADED',
    retryable: true,
  });
  held.let('waited');
  await first;
  await feed.untilEnded(runId, patience);
  await feed.close();
});
