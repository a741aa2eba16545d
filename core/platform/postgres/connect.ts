import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from './database.ts';
import { acquirePostgres } from './embedded.ts';
import { migrate } from './migrate.ts';
import type { DatabaseRole } from './server.ts';

export type { DatabaseRole } from './server.ts';

export interface Connection {
  database: Database;
  /** URL by which a foreign engine gets in, as an analyst. */
  analystUrl: string;
  close(): Promise<void>;
}

export interface ConnectOptions {
  applicationName: string;
  logger: Logger;
  metrics: Metrics;
}

/** The Postgres the configuration names, or the data dir's own, brought to this version, with one role's rights. */
export async function connectDatabase(
  config: Pick<Config, 'dataDir' | 'databaseUrl' | 'databaseUrlIngest' | 'databaseUrlApi'>,
  role: DatabaseRole,
  options: ConnectOptions,
): Promise<Connection> {
  if (config.databaseUrl === undefined) {
    const embedded = await acquirePostgres(config.dataDir, options.logger);
    const database = openDatabase({ url: embedded.urlFor(role), ...options });
    return {
      database,
      analystUrl: embedded.tcpUrlFor('analyst'),
      async close() {
        await database.close();
        embedded.release();
      },
    };
  }
  await migrate(config.databaseUrl, options.logger);
  const own = {
    ingest: config.databaseUrlIngest,
    api: config.databaseUrlApi,
    owner: undefined,
    analyst: undefined,
  }[role];
  const database = openDatabase({
    url: own ?? config.databaseUrl,
    ...(own !== undefined || role === 'owner' ? {} : { setRole: `ticklake_${role}` }),
    ...options,
  });
  return { database, analystUrl: config.databaseUrl, close: () => database.close() };
}
