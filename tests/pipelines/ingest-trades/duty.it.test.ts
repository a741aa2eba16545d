import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { TicklakeError } from '#core/platform/errors.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { tryLease, type Lease } from '#core/platform/postgres/lease.ts';
import { startDuty, type Duty } from '#pipelines/ingest-trades/duty.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
let postgres: Awaited<ReturnType<typeof startTestPostgres>>;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(async () => {
  await postgres.close();
});

/** A pool of its own for each worker, as processes have. */
function worker(name: string): Database {
  const database = openDatabase({
    url: postgres.url,
    applicationName: name,
    logger,
    metrics: new Metrics(),
  });
  onTestFinished(() => database.close());
  return database;
}

/** A pool closes only when its leases were given back. */
async function take(database: Database, name: string): Promise<Lease | undefined> {
  const lease = await tryLease(database, name);
  if (lease !== undefined) onTestFinished(() => lease.release());
  return lease;
}

interface Story {
  told: string[];
  duty: Duty;
}

async function join(database: Database, lease: string, story: string[], name: string): Promise<Story> {
  const duty = await startDuty({
    lease,
    database,
    logger,
    metrics: new Metrics(),
    start: () => {
      story.push(`${name} starts`);
      return Promise.resolve({
        drain: () => Promise.resolve(),
        close: () => {
          story.push(`${name} ends`);
          return Promise.resolve();
        },
      });
    },
  });
  onTestFinished(() => duty.close());
  return { told: story, duty };
}

async function until(reached: () => boolean): Promise<void> {
  for (let tries = 0; !reached() && tries < 800; tries++) await sleep(50);
  expect(reached()).toBe(true);
}

async function endSessions(name: string): Promise<void> {
  const other = worker('test');
  await other.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
    name,
  ]);
}

test('one worker at a time has a lease', async () => {
  const [a, b] = [worker('lease-a'), worker('lease-b')];
  const lease = await tryLease(a, 'one');
  expect(lease).toBeDefined();
  expect(await take(b, 'one')).toBeUndefined();
  expect(await take(b, 'another')).toBeDefined();
  await lease?.release();
  expect(await take(b, 'one')).toBeDefined();
});

test('a lease is lost with its session', async () => {
  const [a, b] = [worker('lost-a'), worker('lost-b')];
  const lease = await take(a, 'lost');
  expect(lease?.lost.aborted).toBe(false);
  await endSessions('lost-a');
  await until(() => lease?.lost.aborted === true);
  expect(await take(b, 'lost')).toBeDefined();
});

test('the second worker waits, and begins when the first has ended', async () => {
  const story: string[] = [];
  const first = await join(worker('duty-a'), 'shared', story, 'first');
  const second = await join(worker('duty-b'), 'shared', story, 'second');
  expect([first.duty.onDuty, second.duty.onDuty]).toEqual([true, false]);
  await first.duty.close();
  await until(() => second.duty.onDuty);
  expect(story).toEqual(['first starts', 'first ends', 'second starts']);
});

test('a worker whose session ended goes on where nobody took over', async () => {
  const story: string[] = [];
  const { duty } = await join(worker('alone'), 'alone', story, 'it');
  // Asking for the lease would be to contest it: which session has it is read from the locks.
  const watcher = worker('watcher');
  const holder = async (): Promise<number | undefined> => {
    const { rows } = await watcher.query<{ pid: number }>(
      `select pid from pg_locks join pg_stat_activity using (pid)
       where locktype = 'advisory' and granted and application_name = 'alone'`,
    );
    return rows[0]?.pid;
  };
  const ended = await holder();
  await endSessions('alone');
  const takenAgain = async (): Promise<boolean> => ![undefined, ended].includes(await holder());
  for (let tries = 0; !(await takenAgain()) && tries < 800; tries++) await sleep(50);
  expect(await takenAgain()).toBe(true);
  expect(duty.onDuty).toBe(true);
  expect(story).toEqual(['it starts']);
});

test('a worker whose session ended gives up when another took over', async () => {
  const story: string[] = [];
  const database = worker('ousted');
  const { duty } = await join(database, 'contested', story, 'old');
  const rival = worker('rival');
  let taken: Awaited<ReturnType<typeof tryLease>>;
  // The old worker asks again at once, so that the rival may need several tries.
  for (let tries = 0; taken === undefined && tries < 100; tries++) {
    await endSessions('ousted');
    for (let quick = 0; taken === undefined && quick < 20; quick++)
      taken = await tryLease(rival, 'contested');
  }
  expect(taken).toBeDefined();
  await until(() => !duty.onDuty);
  expect(story).toEqual(['old starts', 'old ends']);
  await taken?.release();
  await until(() => duty.onDuty);
});

test('a task that cannot start at first is an error; later it is tried again', async () => {
  const database = worker('starting');
  const options = { lease: 'starting', database, logger, metrics: new Metrics() };
  const refuse = (): Promise<never> => Promise.reject(new TicklakeError('UNAVAILABLE', 'not yet'));
  await expect(startDuty({ ...options, start: refuse })).rejects.toMatchObject({ code: 'UNAVAILABLE' });

  const lease = await tryLease(database, 'starting');
  let tries = 0;
  const duty = await startDuty({
    ...options,
    start: () =>
      ++tries < 3
        ? refuse()
        : Promise.resolve({ drain: () => Promise.resolve(), close: () => Promise.resolve() }),
  });
  onTestFinished(() => duty.close());
  expect(duty.onDuty).toBe(false);
  await lease?.release();
  await until(() => duty.onDuty);
  expect(tries).toBe(3);
});
