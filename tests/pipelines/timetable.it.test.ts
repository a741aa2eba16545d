import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { migrate } from '#core/platform/postgres/migrate.ts';
import { triggers } from '#pipelines/timetable.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';

test('trades that a job has brought are news, what the stream commits and what is only joined is not', async () => {
  const postgres = await startTestPostgres();
  onTestFinished(() => postgres.close());
  await migrate(postgres.url);
  const logger = createLogger({ level: 'silent', name: 'test' });
  const database = openDatabase({
    url: postgres.url,
    applicationName: 'test',
    logger,
    metrics: new Metrics(),
  });
  onTestFinished(() => database.close());
  const trigger = triggers.find(({ name }) => name === 'trades-brought');
  // With the rights that the scheduler has.
  const mark = (): Promise<string | undefined> =>
    database.transaction(async (tx) => {
      await tx.query('set local role ticklake_ingest');
      return await trigger?.mark(tx);
    });
  const commit = async (table: string, ids: number, offsets: unknown[]): Promise<string | undefined> => {
    const { rows } = await database.query<{ commit_id: string }>(
      `insert into lake.commits (commit_id, table_name, operation, ids_added, ids_removed, ranges_added, offsets)
       values (gen_random_uuid(), $1, 'append', $2, 0, '[]', $3) returning commit_id`,
      [table, ids, JSON.stringify(offsets)],
    );
    return rows[0]?.commit_id;
  };

  const atFirst = await mark();
  expect(atFirst).toBeDefined();
  await commit('market.trades', 5, [{ partition: 0, from: 0, to: 5 }]);
  await commit('market.klines', 5, []);
  await commit('market.trades', 0, []);
  expect(await mark()).toBe(atFirst);
  const brought = await commit('market.trades', 5, []);
  expect(await mark()).toBe(brought);
  await commit('market.trades', 0, []);
  expect(await mark()).toBe(brought);
});
