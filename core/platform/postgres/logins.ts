import pg from 'pg';
import { databaseRoles, loginOf, tcpUrl, type ServerState } from './state.ts';

const database = 'ticklake';
const roles = databaseRoles.filter((role) => role !== 'owner');

/** Makes the database and each role's login with its password, where they are missing. */
export async function ensureLogins(state: ServerState): Promise<void> {
  await asOwner(tcpUrl(state, 'owner', 'postgres'), async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  });
  await asOwner(tcpUrl(state, 'owner'), async (client) => {
    // A statement that fails would stand in the server's log, password and all.
    await client.query('set log_min_error_statement = panic');
    for (const role of roles) {
      const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [loginOf(role)]);
      const verb = rowCount === 0 ? 'create' : 'alter';
      await client.query(`${verb} role ${loginOf(role)} login password '${state.passwords[role]}'`);
    }
  });
}

/** Makes the logins members of the groups that migrations give rights to. */
export async function grantLogins(state: ServerState): Promise<void> {
  await asOwner(tcpUrl(state, 'owner'), async (client) => {
    for (const role of roles) await client.query(`grant ticklake_${role} to ${loginOf(role)}`);
  });
}

async function asOwner(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
