import { rm } from 'node:fs/promises';
import { createLake } from '#core/lake/create.ts';
import { openLake, type Lake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase, type Connection, type DatabaseRole } from '#core/platform/postgres/connect.ts';
import { spillFolder } from '#core/platform/spill-folder.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { openLog } from '#core/streams/open.ts';

/** What a command or role works with, opened from its configuration. */
export interface Runtime {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  connection: Connection;
  log: EventLog;
  lake: Lake;
  /** A folder for DuckDB and batches to spill to. */
  spillDir: string;
  close(): Promise<void>;
}

/**
 * Opens Postgres (embedded or given), the event log and the lake, with the rights of one role. Only roles that may
 * make tables do so (`ingest`, `owner`).
 */
export async function openRuntime(
  config: Config,
  role: DatabaseRole,
  name: string,
  logger: Logger,
): Promise<Runtime> {
  const metrics = new Metrics();
  const connection = await connectDatabase(config, role, {
    applicationName: `ticklake ${name}`,
    logger,
    metrics,
  });
  try {
    const { database } = connection;
    const log = await openLog({ config, database, clientId: `ticklake-${name}`, logger, metrics });
    const store = await openFileStore(config.warehouse);
    const options = { catalogName: config.catalogName, database, store, logger, metrics };
    const lake = role === 'ingest' || role === 'owner' ? await createLake(options) : openLake(options);
    const spillDir = await spillFolder(config.dataDir, name);
    return {
      config,
      logger,
      metrics,
      connection,
      log,
      lake,
      spillDir,
      async close() {
        await log.close();
        await connection.close();
        await rm(spillDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Opens a runtime for one piece of work and closes it after. */
export async function withRuntime<T>(
  config: Config,
  role: DatabaseRole,
  name: string,
  logger: Logger,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = await openRuntime(config, role, name, logger);
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}
