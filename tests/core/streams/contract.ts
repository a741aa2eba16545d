import { randomUUID } from 'node:crypto';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  vi,
  type TestOptions,
} from 'vitest';
import { isTicklakeError } from '#core/platform/errors.ts';
import type {
  Assignment,
  GroupConsumer,
  GroupOptions,
  LogBatch,
  LogRecord,
} from '#core/streams/event-log.ts';
import { claimOffsets, lag, offsetGuard } from '#core/streams/offsets.ts';
import { linesOf, numberedRecords, openLogAt, pollRecords, readRecords, startMember } from './harness.ts';
import type { LogStore, MemberProcess, OpenedLog } from './harness.ts';

const partitions = 4;
const day = 86_400_000;
const keys = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT', 'DOGEUSDT', 'BNBUSDT', 'LTCUSDT'];
const fromStart = [0, 1, 2, 3].map((partition) => ({ partition, offset: 0 }));
const waiting = { timeout: 40_000, interval: 20 };
const sessionTimeoutMs = 2_000;

/** What every adapter of the event log must do; `open` starts the store, or is not called where `options` skip. */
export function eventLogContract(
  name: string,
  open: () => Promise<LogStore>,
  options: TestOptions = {},
): void {
  describe(`event log on ${name}`, options, () => {
    let store: LogStore;
    let opened: OpenedLog;
    let topic: string;
    const members: GroupConsumer[] = [];
    const processes: MemberProcess[] = [];

    beforeAll(async () => {
      store = await open();
      opened = openLogAt(store.address);
    });
    afterAll(async () => {
      await opened?.close();
      await store?.close();
    });
    beforeEach(async () => {
      topic = `t-${randomUUID()}`;
      await opened.log.ensureTopic(topic, { partitions, retentionMs: day });
    });
    afterEach(async () => {
      await Promise.all(processes.splice(0).map(async (member) => await member.kill()));
      await Promise.all(members.splice(0).map(async (member) => await member.close()));
    });

    interface Joined {
      consumer: GroupConsumer;
      /** Assignments of each call of `onAssigned`. */
      assigned: (readonly Assignment[])[];
      owned: () => number[];
      jumps: { partition: number; wanted: number; actual: number }[];
    }

    async function join(group: string, more: Partial<GroupOptions> = {}): Promise<Joined> {
      const owned = new Set<number>();
      const assigned: Joined['assigned'] = [];
      const jumps: Joined['jumps'] = [];
      const consumer = await opened.log.joinGroup({
        group,
        topic,
        sessionTimeoutMs,
        maxBufferedBytes: 1_000_000,
        onRevoked: (revoked) => revoked.forEach(({ partition }) => owned.delete(partition)),
        onOutOfRange: ({ partition }, wanted, actual) => jumps.push({ partition, wanted, actual }),
        ...more,
        onAssigned: async (given) => {
          assigned.push(given);
          for (const { partition } of given) owned.add(partition);
          return (await more.onAssigned?.(given)) ?? given.map(() => 0);
        },
      });
      members.push(consumer);
      return { consumer, assigned, jumps, owned: () => [...owned].sort((a, b) => a - b) };
    }

    /** A topic that was just recreated may refuse the first appends of a client that knew the old one. */
    async function appendRetrying(records: readonly LogRecord[]): Promise<void> {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await opened.log.append(topic, records);
        } catch (error) {
          if (attempt >= 20 || !(isTicklakeError(error) && (error.retryable || error.code === 'NOT_FOUND')))
            throw error;
        }
      }
    }

    it('keeps the records of a key in order, in one partition, at contiguous offsets', async () => {
      await opened.log.append(topic, numberedRecords(keys, 0, 300));
      await opened.log.append(topic, numberedRecords(keys, 300, 301));
      await opened.log.append(topic, numberedRecords(keys, 301, 400));
      const batches = await readRecords(opened.log, topic, fromStart, 400 * keys.length);
      expectContiguous(batches, 0);
      const seen = batches.flatMap((batch) =>
        linesOf(batch).map((line) => ({ line, partition: batch.partition })),
      );
      expect(seen).toHaveLength(400 * keys.length);
      for (const key of keys) {
        const own = seen.filter(({ line }) => line.includes(`"${key}"`));
        expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
        expect(own.map(({ line }) => (JSON.parse(line) as { n: number }).n)).toEqual([...Array(400).keys()]);
      }
      expect(new Set(seen.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    });

    it('describes incarnation and bounds, and refuses what does not exist', async () => {
      const empty = await opened.log.describe(topic);
      expect(empty.partitions).toEqual(
        fromStart.map(({ partition }) => ({ partition, startOffset: 0, endOffset: 0 })),
      );
      await opened.log.append(topic, numberedRecords(keys, 0, 10));
      const filled = await opened.log.describe(topic);
      expect(filled.incarnation).toBe(empty.incarnation);
      expect(filled.partitions.reduce((sum, of) => sum + of.endOffset, 0)).toBe(10 * keys.length);

      await opened.log.ensureTopic(topic, { partitions, retentionMs: day });
      await expect(opened.log.ensureTopic(topic, { partitions: 5, retentionMs: day })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
      await expect(opened.log.describe('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(opened.log.append('none', [{ key: 'a', value: '{}' }])).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      await expect(join('g', { topic: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await opened.log.ping();
    });

    it('holds what it took after the log is closed and opened again', async () => {
      const first = openLogAt(store.address);
      await first.log.append(topic, numberedRecords(keys, 0, 50));
      await first.close();
      const second = openLogAt(store.address);
      const batches = await readRecords(second.log, topic, fromStart, 50 * keys.length);
      await second.close();
      expect(batches.flatMap(linesOf)).toHaveLength(50 * keys.length);
    });

    it('reads from the middle of a batch, and from the end on', async () => {
      await opened.log.append(topic, numberedRecords(['BTCUSDT'], 0, 100));
      const { partitions: bounds } = await opened.log.describe(topic);
      const partition = bounds.findIndex((of) => of.endOffset === 100);
      const middle = await readRecords(opened.log, topic, [{ partition, offset: 37 }], 63);
      expectContiguous(middle, 37);
      expect(middle.flatMap(linesOf)[0]).toBe('{"key":"BTCUSDT","n":37}');
      expect(middle.flatMap(linesOf)).toHaveLength(63);

      const tail: LogBatch[] = [];
      const stop = new AbortController();
      const reading = (async () => {
        for await (const batch of opened.log.read({
          topic,
          from: [{ partition, offset: 'end' }],
          signal: stop.signal,
        })) {
          tail.push(batch);
        }
      })();
      let n = 100;
      await vi.waitFor(async () => {
        await opened.log.append(topic, numberedRecords(['BTCUSDT'], n, n + 1));
        n += 1;
        expect(tail.length).toBeGreaterThan(0);
      }, waiting);
      stop.abort();
      await reading;
      expect(tail[0]?.baseOffset).toBeGreaterThanOrEqual(100);
    });

    it('gives the only member of a group every partition, from the offsets it asks for', async () => {
      await opened.log.append(topic, numberedRecords(keys, 0, 100));
      const { partitions: bounds } = await opened.log.describe(topic);
      const starts = bounds.map((of) => Math.floor(of.endOffset / 2));
      const member = await join('g', {
        onAssigned: (assigned) => Promise.resolve(assigned.map(({ partition }) => starts[partition] ?? 0)),
      });
      const wanted = bounds.reduce((sum, of) => sum + of.endOffset - (starts[of.partition] ?? 0), 0);
      const batches = await pollRecords(member.consumer, wanted);
      expect(member.owned()).toEqual([0, 1, 2, 3]);
      for (const { partition } of bounds) {
        expectContiguous(
          batches.filter((batch) => batch.partition === partition),
          starts[partition] ?? 0,
        );
      }
      expect(batches.reduce((sum, batch) => sum + batch.count, 0)).toBe(wanted);
      expect(await member.consumer.poll(0, 1_000)).toEqual([]);
      await member.consumer.reportProgress([{ partition: 0, nextOffset: 1 }]);
    });

    it('shares partitions with a second member, and takes them back when it closes', async () => {
      const first = await join('g');
      await vi.waitFor(() => expect(first.owned()).toEqual([0, 1, 2, 3]), waiting);
      const second = await join('g');
      await vi.waitFor(() => {
        expect(second.owned()).toHaveLength(2);
        expect([...first.owned(), ...second.owned()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
      }, waiting);
      await second.consumer.close();
      await vi.waitFor(() => expect(first.owned()).toEqual([0, 1, 2, 3]), waiting);
      await opened.log.append(topic, numberedRecords(keys, 0, 10));
      const batches = await pollRecords(first.consumer, 10 * keys.length);
      expect(new Set(batches.flatMap(linesOf)).size).toBe(10 * keys.length);
    });

    it('gives a member that rejoins a new ownership', async () => {
      await opened.log.append(topic, numberedRecords(keys, 0, 5));
      const member = await join('g');
      await pollRecords(member.consumer, 5 * keys.length);
      const before = member.assigned.length;
      await member.consumer.rejoin();
      await vi.waitFor(() => expect(member.owned()).toEqual([0, 1, 2, 3]), waiting);
      expect(member.assigned.length).toBeGreaterThan(before);
      const again = await pollRecords(member.consumer, 5 * keys.length);
      expect(new Set(again.flatMap(linesOf)).size).toBe(5 * keys.length);
    });

    it('stops fetching while the caller does not poll', async () => {
      const padding = 'x'.repeat(1_000);
      for (let n = 0; n < 40; n += 1) {
        const records = Array.from({ length: 100 }, (_, i) => ({
          key: keys[i % 8] ?? '',
          value: `{"n":"${padding}"}`,
        }));
        await opened.log.append(topic, records);
      }
      const maxBufferedBytes = 300_000;
      const member = await join('bounded', { maxBufferedBytes });
      const buffered = async () => {
        const metric = await opened.metrics.registry.getSingleMetric('ticklake_log_buffered_bytes')?.get();
        return metric?.values.find(({ labels }) => labels['topic'] === topic)?.value ?? 0;
      };
      await vi.waitFor(
        async () => expect(await buffered()).toBeGreaterThanOrEqual(maxBufferedBytes),
        waiting,
      );
      let records = 0;
      while (records < 4_000) {
        expect(await buffered()).toBeLessThanOrEqual(2 * maxBufferedBytes);
        const batches = await member.consumer.poll(1_000, 50_000);
        records += batches.reduce((sum, batch) => sum + batch.count, 0);
      }
      expect(records).toBe(4_000);
    });

    it('hands over the partitions of a member that was paused, and of one that was killed', async () => {
      const paused = startMember(store.address, 'g', topic, sessionTimeoutMs);
      processes.push(paused);
      await vi.waitFor(() => expect(paused.owned()).toEqual([0, 1, 2, 3]), waiting);
      const other = await join('g');
      await vi.waitFor(() => expect(other.owned()).toHaveLength(2), waiting);
      paused.process.kill('SIGSTOP');
      await vi.waitFor(() => expect(other.owned()).toEqual([0, 1, 2, 3]), waiting);
      paused.process.kill('SIGCONT');
      await vi.waitFor(() => {
        expect(paused.owned()).toHaveLength(2);
        expect([...paused.owned(), ...other.owned()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
      }, waiting);
      await paused.kill();
      await vi.waitFor(() => expect(other.owned()).toEqual([0, 1, 2, 3]), waiting);
    });

    it('says where it goes on when the wanted offset is no longer or not yet held', async () => {
      await opened.log.append(topic, numberedRecords(['BTCUSDT'], 0, 20));
      await opened.log.append(topic, numberedRecords(['BTCUSDT'], 20, 40));
      const { partitions: bounds } = await opened.log.describe(topic);
      const partition = bounds.findIndex((of) => of.endOffset === 40);
      await store.deleteBefore(topic, partition, 20);
      expect((await opened.log.describe(topic)).partitions[partition]).toEqual({
        partition,
        startOffset: 20,
        endOffset: 40,
      });

      const below = await join('below');
      const batches = await pollRecords(below.consumer, 20);
      expect(below.jumps).toEqual([{ partition, wanted: 0, actual: 20 }]);
      expectContiguous(batches, 20);

      const beyond = await join('beyond', { onAssigned: (given) => Promise.resolve(given.map(() => 500)) });
      await vi.waitFor(
        () => expect(beyond.jumps).toContainEqual({ partition, wanted: 500, actual: 20 }),
        waiting,
      );
      await opened.log.append(topic, numberedRecords(['BTCUSDT'], 40, 41));
      expect((await pollRecords(beyond.consumer, 1))[0]?.baseOffset).toBe(20);
    });

    it('gives a recreated topic another incarnation, and its members new ownerships', async () => {
      await opened.log.append(topic, numberedRecords(keys, 0, 20));
      const { incarnation: before } = await opened.log.describe(topic);
      const member = await join('g');
      await pollRecords(member.consumer, 20 * keys.length);

      await store.deleteTopic(topic);
      await vi.waitFor(async () => {
        await opened.log.ensureTopic(topic, { partitions, retentionMs: day });
        expect((await opened.log.describe(topic)).incarnation).not.toBe(before);
      }, waiting);
      const { incarnation: after } = await opened.log.describe(topic);
      await appendRetrying(numberedRecords(keys, 0, 3));
      const lines = new Set<string>();
      while (lines.size < 3 * keys.length) {
        const batches = await member.consumer.poll(1_000, 1_000_000);
        for (const batch of batches)
          if (batch.incarnation === after) linesOf(batch).forEach((line) => lines.add(line));
      }
      expect(member.assigned.at(-1)?.map((of) => of.incarnation)).toEqual(Array(partitions).fill(after));
    });

    it('turns values that are not one line into a record with the reason', async () => {
      const values = ['{"a":1}', '{"a":\n2}', 'b\r\n', '', '{"a":3}'];
      await opened.log.append(
        topic,
        values.map((value) => ({ key: 'BTCUSDT', value })),
      );
      const partition = (await opened.log.describe(topic)).partitions.findIndex((of) => of.endOffset === 5);
      const lines = (await readRecords(opened.log, topic, [{ partition, offset: 0 }], 5)).flatMap(linesOf);
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
        { a: 1 },
        { raw: '{"a":\n2}', reason: 'value holds a line break' },
        { raw: 'b\r\n', reason: 'value holds a line break' },
        { raw: '', reason: 'value is empty' },
        { a: 3 },
      ]);
    });

    it('refuses the offsets of a zombie, and of a batch that was stored already', async () => {
      await opened.log.append(topic, numberedRecords(keys, 0, 10));
      const { incarnation, partitions: bounds } = await opened.log.describe(topic);
      const assigned = bounds.map(({ partition }) => ({ topic, partition, incarnation }));
      const zombies = await claimOffsets(store.database, 'g', assigned);
      const owners = await claimOffsets(store.database, 'g', assigned);
      expect(owners.map((claim) => claim.epoch)).toEqual(zombies.map((claim) => claim.epoch + 1));

      const moves = (epochs: readonly { epoch: number }[]) =>
        assigned.map((assignment, index) => {
          const to = bounds[index]?.endOffset ?? 0;
          return { assignment, epoch: epochs[index]?.epoch ?? 0, from: 0, to };
        });
      const commit = async (epochs: readonly { epoch: number }[]) =>
        await store.database.transaction(offsetGuard('g', moves(epochs)));
      await expect(commit(zombies)).rejects.toMatchObject({ code: 'FENCED' });
      await expect(commit([...owners.slice(0, 3), ...zombies.slice(3)])).rejects.toMatchObject({
        code: 'FENCED',
      });
      expect((await lag(store.database, opened.log, 'g', topic)).reduce((sum, of) => sum + of.lag, 0)).toBe(
        80,
      );
      await commit(owners);
      expect((await lag(store.database, opened.log, 'g', topic)).reduce((sum, of) => sum + of.lag, 0)).toBe(
        0,
      );
      await expect(commit(owners)).rejects.toMatchObject({ code: 'FENCED' });
      const reclaimed = await claimOffsets(store.database, 'g', assigned);
      expect(reclaimed.map((claim) => claim.nextOffset)).toEqual(bounds.map((of) => of.endOffset));

      const other = assigned.map((assignment) => ({ ...assignment, incarnation: randomUUID() }));
      expect((await claimOffsets(store.database, 'g', other)).map((claim) => claim.nextOffset)).toEqual([
        0, 0, 0, 0,
      ]);
    });
  });
}

/** Batches of each partition follow one another without hole or overlap, the first at `start`. */
function expectContiguous(batches: readonly LogBatch[], start: number): void {
  const next = new Map<number, number>();
  for (const batch of batches) {
    expect(batch.baseOffset).toBe(next.get(batch.partition) ?? start);
    expect(linesOf(batch)).toHaveLength(batch.count);
    next.set(batch.partition, batch.baseOffset + batch.count);
  }
}
