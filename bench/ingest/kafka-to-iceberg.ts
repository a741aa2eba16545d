import { randomUUID } from 'node:crypto';
import kafkajs, { type Consumer } from 'kafkajs';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { appendTape, drainRate, newTape } from '#bench/support/drain.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { tradesTopic } from '#core/market/topics.ts';
import type { PartitionDescription } from '#core/streams/event-log.ts';
import { kafkaMissing, startTestKafka } from '#tests/support/kafka.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT'];
const tradesPerRound = 1_000_000;
const recordsPerAppend = 20_000;
const consumeMsMax = 120_000;

/** Kafka → committed Iceberg by one worker; kafkajs alone consumes the same records and does nothing with them. */
export async function kafkaToIceberg(): Promise<Benchmark | Missing> {
  const kafka = await startTestKafka();
  if (kafka === undefined) return { missing: (await kafkaMissing()) ?? 'Kafka did not start' };
  const runtime = await openBenchRuntime({ kafkaBrokers: kafka.brokers });

  return {
    lines: [{ name: 'ingest.kafka_to_iceberg', unit: 'trades/s', peerName: 'kafkajs, eachBatch' }],
    async round() {
      const { partitions } = await runtime.log.describe(tradesTopic);
      const tape = await newTape(runtime, symbols, tradesPerRound);
      await appendTape(runtime, tape, recordsPerAppend);
      const ours = await drainRate(runtime, tape);
      return [{ ours, peer: await bareRate(kafka.brokers, partitions, tradesPerRound) }];
    },
    async close() {
      await runtime.close();
      await kafka.close();
    },
  };
}

/** Records a second of a new group, from its start until it has seen so many from the partitions' ends on. */
async function bareRate(
  brokers: string[],
  from: readonly PartitionDescription[],
  records: number,
): Promise<number> {
  const client = new kafkajs.Kafka({ brokers, clientId: 'bench', logLevel: kafkajs.logLevel.NOTHING });
  const consumer = client.consumer({ groupId: `bench-${randomUUID()}`, allowAutoTopicCreation: false });
  try {
    const startedMs = performance.now();
    await consumer.connect();
    await consumer.subscribe({ topic: tradesTopic, fromBeginning: true });
    await consumed(consumer, from, records);
    return (records / (performance.now() - startedMs)) * 1_000;
  } finally {
    await consumer.disconnect();
  }
}

async function consumed(
  consumer: Consumer,
  from: readonly PartitionDescription[],
  records: number,
): Promise<void> {
  const all = Promise.withResolvers<undefined>();
  const late = setTimeout(() => all.reject(new Error('the peer did not get every record')), consumeMsMax);
  let seen = 0;
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      seen += batch.messages.length;
      if (seen === records) all.resolve(undefined);
      if (seen > records) all.reject(new Error(`the peer got ${seen} of ${records} records`));
      return Promise.resolve();
    },
  });
  for (const { partition, endOffset } of from) {
    consumer.seek({ topic: tradesTopic, partition, offset: String(endOffset) });
  }
  await all.promise.finally(() => clearTimeout(late));
}
