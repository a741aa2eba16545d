import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { triggers } from '#pipelines/timetable.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

let postgres: Awaited<ReturnType<typeof startMigratedPostgres>>;
let database: Database;

beforeAll(async () => {
  postgres = await startMigratedPostgres();
  const logger = createLogger({ level: 'silent', name: 'test' });
  database = openDatabase({ url: postgres.url, applicationName: 'test', logger, metrics: new Metrics() });
});
afterAll(async () => {
  await database?.close();
  await postgres?.close();
});

/** With the rights that the scheduler has. */
async function markOf(name: string): Promise<string | undefined> {
  const trigger = triggers.find((one) => one.name === name);
  return await database.transaction(async (tx) => {
    await tx.query('set local role ticklake_ingest');
    return await trigger?.mark(tx);
  });
}

test.each(triggers.map(({ name }) => name))('%s has a mark before anything has happened', async (name) => {
  expect(await markOf(name)).toBeDefined();
});

test('trades that a job has brought are news, what the stream commits and what is only joined is not', async () => {
  const mark = (): Promise<string | undefined> => markOf('trades-brought');
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
