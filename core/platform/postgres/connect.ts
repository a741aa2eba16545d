import type { Config } from '#core/platform/config.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from './database.ts';
import { acquirePostgres } from './embedded.ts';
import { migrate } from './migrate.ts';
import { untilMigrated } from './schema.ts';
import type { DatabaseRole } from './state.ts';

export type { DatabaseRole } from './state.ts';

export interface Connection {
  database: Database;
  /** URL by which a foreign engine gets in: an analyst's with the embedded Postgres, else the best that was given. */
  analystUrl: string;
  close(): Promise<void>;
}

export interface ConnectOptions {
  applicationName: string;
  logger: Logger;
  metrics: Metrics;
}

type DatabaseConfig = Pick<
  Config,
  | ('dataDir' | 'databaseUrl')
  | ('databaseUrlIngest' | 'databaseUrlApi' | 'databaseUrlTrader' | 'databaseUrlEvents')
>;

/**
 * The Postgres the configuration names, or the data dir's own, with one role's rights and this version's tables.
 * Who has the owner's URL brings the database to this version; who has only a login of its own waits for that.
 * @throws DATABASE_UNREACHABLE, DATABASE_WRONG, CONFIG_INVALID when a Postgres is named but no login for this role
 */
export async function connectDatabase(
  config: DatabaseConfig,
  role: DatabaseRole,
  options: ConnectOptions,
): Promise<Connection> {
  const login = givenLogin(config, role);
  if (login === undefined) return await connectEmbedded(config.dataDir, role, options);
  if (config.databaseUrl !== undefined) await migrate(config.databaseUrl, options.logger);
  else await untilMigrated(login.url, options.logger);
  const database = openDatabase({ ...login, ...options });
  return {
    database,
    analystUrl: config.databaseUrl ?? login.url,
    close: () => database.close(),
  };
}

async function connectEmbedded(
  dataDir: string,
  role: DatabaseRole,
  options: ConnectOptions,
): Promise<Connection> {
  const embedded = await acquirePostgres(dataDir, options.logger);
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

/** The role's own login, else the owner's with the rights of the role; undefined where no Postgres is named at all. */
function givenLogin(
  config: DatabaseConfig,
  role: DatabaseRole,
): { url: string; setRole?: string } | undefined {
  const { databaseUrl, databaseUrlIngest: ingest, databaseUrlApi: api } = config;
  const { databaseUrlTrader: trader, databaseUrlEvents: events } = config;
  const logins = { ingest, api, trader, events };
  const own = { ...logins, owner: undefined, analyst: undefined }[role];
  if (own !== undefined) return { url: own };
  if (databaseUrl !== undefined)
    return { url: databaseUrl, ...(role === 'owner' ? {} : { setRole: `ticklake_${role}` }) };
  if (Object.values(logins).every((url) => url === undefined)) return undefined;
  const names = role in logins ? `TICKLAKE_DATABASE_URL_${role.toUpperCase()} or ` : '';
  throw new TicklakeError('CONFIG_INVALID', `a Postgres is named, but no login for the ${role} role`, {
    remedy: `Set ${names}TICKLAKE_DATABASE_URL.`,
  });
}
