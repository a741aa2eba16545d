import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { LogRecord } from '#core/streams/event-log.ts';
import { kafkaMissing, startTestKafka, type TestKafka } from '#tests/support/kafka.ts';
import { requires } from '#tests/support/require.ts';
import { linesOf, numberedRecords, openLogAt, pollRecords, readRecords, type OpenedLog } from './harness.ts';

const missing = await kafkaMissing();
const waiting = { timeout: 60_000, interval: 20 };

describe('Kafka at fault', requires(missing === undefined, 'a Kafka broker', missing ?? ''), () => {
  let kafka: TestKafka;
  let opened: OpenedLog;

  beforeAll(async () => {
    const started = await startTestKafka();
    if (started === undefined) throw new Error(missing);
    kafka = started;
    opened = openLogAt({ kind: 'kafka', brokers: kafka.brokers });
  });
  afterAll(async () => {
    await opened?.close();
    await kafka?.close();
  });

  it('skips the markers of transactions and ends batches at the holes they leave', async () => {
    await opened.log.ensureTopic('transactions', { partitions: 1, retentionMs: 60_000 });
    const client = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING });
    const producer = client.producer({ transactionalId: 'test', idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (const [n, isCommitted] of [true, false, false, true].entries()) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'transactions', messages: [{ key: 'a', value: `{"n":${n}}` }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    const batches = await readRecords(opened.log, 'transactions', [{ partition: 0, offset: 0 }], 2);
    expect(batches.map((batch) => [batch.baseOffset, linesOf(batch)])).toEqual([
      [0, ['{"n":0}']],
      [6, ['{"n":3}']],
    ]);

    await opened.log.append('transactions', [{ key: 'a', value: '{"n":4}' }]);
    const after = await readRecords(opened.log, 'transactions', [{ partition: 0, offset: 7 }], 1);
    expect(after.map((batch) => [batch.baseOffset, linesOf(batch)])).toEqual([[8, ['{"n":4}']]]);
  });

  it('goes on after the broker was killed and came back', async () => {
    const keys = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
    await opened.log.ensureTopic('killed', { partitions: 3, retentionMs: 60_000 });
    await opened.log.append('killed', numberedRecords(keys, 0, 100));
    const next = new Map<number, number>();
    const consumer = await opened.log.joinGroup({
      group: 'g',
      topic: 'killed',
      maxBufferedBytes: 1_000_000,
      onAssigned: (assigned) => Promise.resolve(assigned.map(({ partition }) => next.get(partition) ?? 0)),
      onRevoked: () => undefined,
    });
    const before = await pollRecords(consumer, 300);
    for (const batch of before) next.set(batch.partition, batch.baseOffset + batch.count);

    await kafka.kill();
    await expect(opened.log.append('killed', numberedRecords(keys, 100, 101))).rejects.toMatchObject({
      code: 'LOG_UNREACHABLE',
    });
    await expect(opened.log.describe('killed')).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
    await kafka.restart();
    await vi.waitFor(async () => await opened.log.ping(), waiting);
    await appendRetrying(numberedRecords(keys, 101, 200));
    const wanted = new Set(numberedRecords(keys, 101, 200).map((record) => record.value));
    const seen = new Set<string>();
    while (![...wanted].every((value) => seen.has(value))) {
      for (const batch of await consumer.poll(1_000, 1_000_000))
        linesOf(batch).forEach((line) => seen.add(line));
    }
    expect(before.flatMap(linesOf).some((line) => seen.has(line))).toBe(false);
    await consumer.close();
  });

  async function appendRetrying(records: readonly LogRecord[]): Promise<void> {
    await vi.waitFor(async () => {
      try {
        await opened.log.append('killed', records);
      } catch (error) {
        if (!isTicklakeError(error) || !error.retryable) expect.unreachable(String(error));
        throw error;
      }
    }, waiting);
  }
});
