import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { createPostgresLog, retain } from '#core/streams/postgres.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';
import {
  linesOf,
  numberedRecords,
  openDatabaseOf,
  openLogAt,
  pollRecords,
  readRecords,
  testLogger,
} from './harness.ts';
import type { OpenedLog } from './harness.ts';

const options = { partitions: 2, retentionMs: 3_600_000 };
const fromStart = [0, 1].map((partition) => ({ partition, offset: 0 }));
const waiting = { timeout: 40_000, interval: 20 };

describe('event log on Postgres, its own rules', () => {
  let url: string;
  let closePostgres: () => Promise<void>;
  let database: Database;
  let opened: OpenedLog;

  beforeAll(async () => {
    ({ url, close: closePostgres } = await startMigratedPostgres());
    database = openDatabaseOf(url);
    opened = openLogAt({ kind: 'postgres', url });
  });
  afterAll(async () => {
    await opened?.close();
    await database?.close();
    await closePostgres?.();
  });

  it('leaves no hole when many append at the same time', async () => {
    await opened.log.ensureTopic('busy', options);
    const keys = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'];
    const seen: string[] = [];
    const next = [0, 0];
    const reading = readUntil(200 * keys.length);
    await Promise.all(
      [...Array(200).keys()].map(
        async (n) => await opened.log.append('busy', numberedRecords(keys, n, n + 1)),
      ),
    );
    await reading;
    expect(new Set(seen).size).toBe(200 * keys.length);

    async function readUntil(count: number): Promise<void> {
      const stop = new AbortController();
      for await (const batch of opened.log.read({ topic: 'busy', from: fromStart, signal: stop.signal })) {
        expect(batch.baseOffset).toBe(next[batch.partition]);
        next[batch.partition] = batch.baseOffset + batch.count;
        seen.push(...linesOf(batch));
        if (seen.length >= count) return;
      }
    }
  });

  it('is read on when the connection that hears of appends is lost, and heard again', async () => {
    await opened.log.ensureTopic('heard', options);
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const batch of opened.log.read({ topic: 'heard', from: fromStart, signal: stop.signal })) {
        seen.push(...linesOf(batch));
      }
    })();
    const listeners = async (): Promise<number[]> =>
      (
        await database.query<{ pid: number }>(
          `select pid from pg_stat_activity where datname = current_database() and query = 'listen ticklake_log'`,
        )
      ).rows.map(({ pid }) => pid);
    for (let round = 1; round <= 3; round++) {
      await vi.waitFor(async () => expect((await listeners()).length).toBeGreaterThan(0), waiting);
      await opened.log.append('heard', numberedRecords(['BTCUSDT'], 2 * round, 2 * round + 1));
      await vi.waitFor(() => expect(seen).toHaveLength(2 * round - 1), waiting);
      const before = await listeners();
      await database.query('select pg_terminate_backend(pid) from unnest($1::integer[]) as t(pid)', [before]);
      await opened.log.append('heard', numberedRecords(['BTCUSDT'], 2 * round + 1, 2 * round + 2));
      await vi.waitFor(() => expect(seen).toHaveLength(2 * round), waiting);
    }
    stop.abort();
    await reading;
  });

  it('deletes what is past retention, and only that', async () => {
    await opened.log.ensureTopic('aging', options);
    for (const n of [0, 1, 2])
      await opened.log.append('aging', numberedRecords(['BTCUSDT'], n * 10, n * 10 + 10));
    const { rows } = await database.query<{ topic_id: number }>(
      `update log.batches b set appended_at = now() - interval '2 hours'
       from log.topics t where t.topic = 'aging' and b.topic_id = t.topic_id and b.base_offset < 20
       returning b.topic_id`,
    );
    const topicId = rows[0]?.topic_id ?? 0;
    expect(await retain(database, topicId)).toBe(2);
    expect(await retain(database, topicId)).toBe(0);
    const { partitions } = await opened.log.describe('aging');
    const partition = partitions.findIndex((of) => of.endOffset === 30);
    expect(partitions[partition]).toEqual({ partition, startOffset: 20, endOffset: 30 });
    const batches = await readRecords(opened.log, 'aging', [{ partition, offset: 0 }], 10);
    expect(batches.map(({ baseOffset, count }) => [baseOffset, count])).toEqual([[20, 10]]);
  });

  it('loses every partition with its connection, and joins again', async () => {
    await opened.log.ensureTopic('cut', options);
    const events: string[] = [];
    const consumer = await opened.log.joinGroup({
      group: 'g',
      topic: 'cut',
      maxBufferedBytes: 1_000_000,
      onAssigned: (assigned) => {
        events.push(`assigned ${assigned.length}`);
        return Promise.resolve(assigned.map(() => 0));
      },
      onRevoked: (revoked) => events.push(`revoked ${revoked.length}`),
    });
    await vi.waitFor(() => expect(events).toEqual(['assigned 2']), waiting);
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ticklake log group g'`,
    );
    await vi.waitFor(() => expect(events).toEqual(['assigned 2', 'revoked 2', 'assigned 2']), waiting);
    await opened.log.append('cut', numberedRecords(['BTCUSDT'], 0, 5));
    expect((await pollRecords(consumer, 5)).flatMap(linesOf)).toHaveLength(5);
    await consumer.close();
  });

  it('gives everything up and joins again when the sink cannot say where to start', async () => {
    await opened.log.ensureTopic('unsure', options);
    let calls = 0;
    const consumer = await opened.log.joinGroup({
      group: 'g',
      topic: 'unsure',
      maxBufferedBytes: 1_000_000,
      onAssigned: (assigned) => {
        calls += 1;
        return calls < 3 ? Promise.reject(new Error('no answer')) : Promise.resolve(assigned.map(() => 0));
      },
      onRevoked: () => undefined,
    });
    await opened.log.append('unsure', numberedRecords(['BTCUSDT'], 0, 5));
    expect((await pollRecords(consumer, 5)).flatMap(linesOf)).toHaveLength(5);
    expect(calls).toBe(3);
    await consumer.close();
  });

  it('lets the ingest role append and delete, the api role only read', async () => {
    const ingest = openAs('ticklake_ingest');
    await ingest.log.ensureTopic('rights', options);
    await ingest.log.append('rights', numberedRecords(['BTCUSDT'], 0, 5));
    const { rows } = await database.query<{ topic_id: number }>(
      `select topic_id from log.topics where topic = 'rights'`,
    );
    expect(await retain(ingest.database, rows[0]?.topic_id ?? 0)).toBe(0);
    await ingest.close();

    const api = openAs('ticklake_api');
    expect((await readRecords(api.log, 'rights', fromStart, 5)).flatMap(linesOf)).toHaveLength(5);
    await expect(api.log.append('rights', numberedRecords(['BTCUSDT'], 5, 6))).rejects.toThrow(
      'permission denied',
    );
    await expect(api.log.ensureTopic('more', options)).rejects.toThrow('permission denied');
    await api.close();
  });

  function openAs(setRole: string) {
    const metrics = new Metrics();
    const own = openDatabase({ url, setRole, applicationName: 'rights', logger: testLogger, metrics });
    const log = createPostgresLog({ database: own, logger: testLogger, metrics });
    const close = async () => {
      await log.close();
      await own.close();
    };
    return { log, database: own, close };
  }
});
