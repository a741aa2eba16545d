import { startMigratedPostgres } from '#tests/support/postgres.ts';
import { eventLogContract } from './contract.ts';
import { openDatabaseOf, type LogStore } from './harness.ts';

eventLogContract('Postgres', async (): Promise<LogStore> => {
  const postgres = await startMigratedPostgres();
  const database = openDatabaseOf(postgres.url);
  return {
    address: { kind: 'postgres', url: postgres.url },
    database,
    deleteTopic: async (topic) => {
      await database.query('delete from log.topics where topic = $1', [topic]);
    },
    deleteBefore: async (topic, partition, offset) => {
      const params = [topic, partition, offset];
      await database.query(
        `delete from log.batches using log.topics t
         where t.topic = $1 and batches.topic_id = t.topic_id and partition = $2 and base_offset + record_count <= $3`,
        params,
      );
      await database.query(
        `update log.partitions p set start_offset = $3 from log.topics t
         where t.topic = $1 and p.topic_id = t.topic_id and p.partition = $2`,
        params,
      );
    },
    close: async () => {
      await database.close();
      await postgres.close();
    },
  };
});
