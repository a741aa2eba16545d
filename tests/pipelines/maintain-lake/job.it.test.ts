import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { openLake } from '#core/lake/lake.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import type { StoredObject } from '#core/lake/object-store.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { klines, lakeTables, tableId } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { maintainLakeJob } from '#pipelines/maintain-lake/job.ts';
import { putHours } from '#tests/support/hours.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let ground: TestLake;

beforeAll(async () => {
  ground = await openTestLake();
});
afterAll(async () => {
  await ground.close();
});

async function stored(): Promise<StoredObject[]> {
  const { store } = ground.lake;
  const objects: StoredObject[] = [];
  for await (const object of store.list(ground.lake.locationOf(klines))) objects.push(object);
  return objects;
}

function bytesOf(objects: readonly StoredObject[]): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** As if all that was let go had been so two hours ago, and nobody had read since. */
async function letTimePass(): Promise<void> {
  await ground.database.query('delete from reads.leases');
  await ground.database.query("update lake.retired_files set retired_at = retired_at - interval '2 hours'");
}

test('the upkeep of all tables runs as a job, with the rights of ingest, and says what it did', async () => {
  const { url, logger, metrics, spillDir } = ground;
  const database = openDatabase({
    ...{ url, setRole: 'ticklake_ingest', applicationName: 'test', logger, metrics },
  });
  onTestFinished(() => database.close());
  const lake = openLake({ ...ground.lake, database });
  const catalogue = createCatalogue([maintainLakeJob({ lake, spillDir })]);
  const jobs = await openJobs({ database, catalogue, logger, metrics });
  onTestFinished(() => jobs.close());
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(() => worker.close());
  const upkeep = async (params: object) => {
    const { runId } = await jobs.enqueue({ job: 'maintain-lake', params, requestedBy: 'test' });
    expect(await waitForRun(database, runId, { timeoutMs: 60_000 })).toMatchObject({ state: 'succeeded' });
    const partitions = await listPartitions(database, runId);
    return new Map(partitions.map(({ key, committed }) => [key, committed]));
  };

  for (let part = 0; part < 10; part++) {
    await putHours(ground, { symbol: 'BTCUSDT', from: part * 5, to: part * 5 + 5, price: part + 1 });
  }
  expect((await currentFiles(lake, klines)).files).toHaveLength(10);

  // Two hours later.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000, shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const bounds = { snapshotHours: 1, snapshotsKept: 1, graceHours: 1 };
  const first = await upkeep(bounds);
  expect([...first.keys()].toSorted()).toEqual(
    lakeTables
      .flatMap((table) => ['compact', 'expire', 'orphans'].map((step) => `${tableId(table)}/${step}`))
      .toSorted(),
  );
  expect(first.get('market.klines/compact')).toEqual({ files: 10, into: 1 });
  expect(first.get('market.klines/expire')).toEqual({ snapshots: 10 });
  expect(first.get('market.klines/orphans')).toEqual({ files: 0, bytes: 0 });
  expect(first.get('market.trades/compact')).toEqual({ files: 0, into: 0 });
  expect((await currentFiles(lake, klines)).files).toHaveLength(1);
  expect(await listSnapshots(lake, klines)).toHaveLength(1);

  await letTimePass();
  const before = await stored();
  const second = await upkeep({ ...bounds, tables: ['market.klines'] });
  const after = await stored();
  const gone = { files: before.length - after.length, bytes: bytesOf(before) - bytesOf(after) };
  expect(gone.files).toBeGreaterThanOrEqual(10);
  expect(second).toEqual(
    new Map<string, unknown>([
      ['market.klines/compact', { files: 0, into: 0 }],
      ['market.klines/expire', { snapshots: 0 }],
      ['market.klines/orphans', gone],
    ]),
  );
  const { ok, listings } = await verifyTable(lake, klines, { spillDir, deep: true });
  expect(ok).toBe(true);
  expect(listings).toMatchObject([{ symbol: 'BTCUSDT', held: 50, inFiles: 50 }]);
});
