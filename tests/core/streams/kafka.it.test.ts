import { Kafka, logLevel } from 'kafkajs';
import { migrate } from '#core/platform/postgres/migrate.ts';
import { kafkaMissing, startTestKafka } from '#tests/support/kafka.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { requires } from '#tests/support/require.ts';
import { eventLogContract } from './contract.ts';
import { openDatabaseOf, type LogStore } from './harness.ts';

const missing = await kafkaMissing();

eventLogContract(
  'Kafka',
  async (): Promise<LogStore> => {
    const [kafka, postgres] = await Promise.all([startTestKafka(), startTestPostgres()]);
    if (kafka === undefined) throw new Error(missing);
    await migrate(postgres.url);
    const database = openDatabaseOf(postgres.url);
    const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    return {
      address: { kind: 'kafka', brokers: kafka.brokers },
      database,
      deleteTopic: async (topic) => await admin.deleteTopics({ topics: [topic] }),
      deleteBefore: async (topic, partition, offset) => {
        await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
      },
      close: async () => {
        await admin.disconnect();
        await Promise.all([kafka.close(), database.close()]);
        await postgres.close();
      },
    };
  },
  requires(missing === undefined, 'a Kafka broker', missing ?? ''),
);
