/** The lake's upkeep without pause, in a process of its own that is to be killed. */
import { join } from 'node:path';
import { compactTable } from '#core/lake/compact.ts';
import { expireTable } from '#core/lake/expire.ts';
import { openLake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { sweepOrphans } from '#core/lake/orphans.ts';
import { klines } from '#core/lake/tables.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';

const { url, dir } = JSON.parse(process.argv[2] ?? '') as { url: string; dir: string };
const logger = createLogger({ level: 'silent', name: 'upkeep' });
const metrics = new Metrics();
const database = openDatabase({
  ...{ url, setRole: 'ticklake_ingest', applicationName: 'upkeep', logger, metrics },
});
const store = await openFileStore(join(dir, 'warehouse'));
const lake = openLake({ catalogName: 'ticklake', database, store, logger, metrics });
const spillDir = join(dir, `tmp-${process.pid}`);
for (;;) {
  await compactTable(lake, klines, { spillDir, filesMin: 2 });
  await expireTable(lake, klines, { olderThanMs: 0, keepLast: 2 });
  await sweepOrphans(lake, klines, { olderThanMs: 0, remove: true });
}
