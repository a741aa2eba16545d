import { Kafka, logLevel, type Admin } from 'kafkajs';
import { kafkaMissing, startTestKafka } from '#tests/support/kafka.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';
import { requires } from '#tests/support/require.ts';
import { eventLogContract } from './contract.ts';
import { openDatabaseOf, type LogStore } from './harness.ts';

const missing = await kafkaMissing();

eventLogContract(
  'Kafka',
  async (): Promise<LogStore> => {
    const [kafka, postgres] = await Promise.all([startTestKafka(), startMigratedPostgres()]);
    if (kafka === undefined) throw new Error(missing);
    const database = openDatabaseOf(postgres.url);
    const client = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING });
    const asAdmin = async (act: (admin: Admin) => Promise<unknown>) => {
      const admin = client.admin();
      await admin.connect();
      await act(admin);
      await admin.disconnect();
    };
    return {
      address: { kind: 'kafka', brokers: kafka.brokers },
      database,
      deleteTopic: async (topic) =>
        await asAdmin(async (admin) => await admin.deleteTopics({ topics: [topic] })),
      deleteBefore: async (topic, partition, offset) => {
        await asAdmin(async (admin) => {
          await admin.fetchTopicMetadata({ topics: [topic] });
          await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
        });
      },
      close: async () => {
        await Promise.all([kafka.close(), database.close()]);
        await postgres.close();
      },
    };
  },
  requires(missing === undefined, 'a Kafka broker', missing ?? ''),
);
