import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase, type Connection, type DatabaseRole } from '#core/platform/postgres/connect.ts';
import { migrate } from '#core/platform/postgres/migrate.ts';
import { untilMigrated } from '#core/platform/postgres/schema.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { asAdmin, codeOf, logger, openAt } from './support.ts';

/** No embedded server can be made there: whoever would try fails. */
const dataDir = '/dev/null/none';

describe('a Postgres that is given', () => {
  let server: Awaited<ReturnType<typeof startTestPostgres>>;
  let owner = '';
  let ingest = '';
  let api = '';
  let databases = 0;

  beforeAll(async () => {
    server = await startTestPostgres();
    // As deploy/postgres/logins.sh does.
    for (const role of ['ingest', 'api']) {
      await asAdmin(server.url, `create role ticklake_${role} nologin`);
      await asAdmin(server.url, `create role plain_${role} login password 'plain' in role ticklake_${role}`);
    }
  });
  afterAll(async () => await server?.close());
  beforeEach(async () => {
    const name = `given_${++databases}`;
    await asAdmin(server.url, `create database ${name}`);
    owner = urlOf(name);
    ingest = urlOf(name, 'plain_ingest');
    api = urlOf(name, 'plain_api');
  });

  function urlOf(name: string, user?: string): string {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    if (user !== undefined) [url.username, url.password] = [user, 'plain'];
    return url.href;
  }

  async function userOf(connection: Connection): Promise<string> {
    try {
      const { rows } = await connection.database.query<{ name: string }>('select current_user::text as name');
      return rows[0]?.name ?? '';
    } finally {
      await connection.close();
    }
  }

  async function connect(
    urls: { databaseUrl?: string; databaseUrlIngest?: string; databaseUrlApi?: string },
    role: DatabaseRole,
  ): Promise<Connection> {
    const options = { applicationName: 'test', logger, metrics: new Metrics() };
    return await connectDatabase({ dataDir, ...urls }, role, options);
  }

  it('is brought to this version by who has the owner’s URL, and used with each role’s rights', async () => {
    expect(await userOf(await connect({ databaseUrl: owner }, 'owner'))).toBe('ticklake_login_owner');
    for (const role of ['ingest', 'api', 'analyst'] as const) {
      expect(await userOf(await connect({ databaseUrl: owner }, role))).toBe(`ticklake_${role}`);
    }
    const both = { databaseUrl: owner, databaseUrlIngest: ingest };
    expect(await userOf(await connect(both, 'ingest'))).toBe('plain_ingest');
  });

  it('is used by a role that has nothing but its own login', async () => {
    await migrate(owner);
    expect(await userOf(await connect({ databaseUrlIngest: ingest }, 'ingest'))).toBe('plain_ingest');
    expect(await userOf(await connect({ databaseUrlApi: api }, 'api'))).toBe('plain_api');
  });

  it('is waited for by such a role until its owner has brought it to this version', async () => {
    const [connection] = await Promise.all([
      connect({ databaseUrlApi: api }, 'api'),
      new Promise((resolve) => setTimeout(resolve, 1_000)).then(() => migrate(owner)),
    ]);
    const { rows } = await connection.database.query('select count(*) as count from lake.commits');
    expect(rows).toEqual([{ count: 0 }]);
    await connection.close();
  });

  it('is too old when nobody does, and says so', async () => {
    const waited = untilMigrated(api, logger, 100);
    expect(await codeOf(waited)).toBe('DATABASE_WRONG');
    await expect(waited).rejects.toThrow(/version none, which is too old: this ticklake needs \d{4}_/);
    await migrate(owner);
    const { rows } = await openAt(owner).query<{ name: string }>(
      'select name from ticklake_migrations order by id desc',
    );
    await openAt(owner).query('delete from ticklake_migrations where name = $1', [rows[0]?.name]);
    await expect(untilMigrated(api, logger, 100)).rejects.toThrow(
      `version ${rows[1]?.name}, which is too old: this ticklake needs ${rows[0]?.name}`,
    );
  });

  it('is refused at once by such a role when a newer version made it', async () => {
    await migrate(owner);
    await openAt(owner).query(`insert into ticklake_migrations (name, run_on) values ('9999_future', now())`);
    expect(await codeOf(connect({ databaseUrlApi: api }, 'api'))).toBe('DATABASE_WRONG');
  });

  it('is never replaced by an embedded one where a role lacks a login', async () => {
    expect(await codeOf(connect({ databaseUrlIngest: ingest }, 'api'))).toBe('CONFIG_INVALID');
    expect(await codeOf(connect({ databaseUrlIngest: ingest, databaseUrlApi: api }, 'owner'))).toBe(
      'CONFIG_INVALID',
    );
    await expect(connect({ databaseUrlIngest: ingest }, 'api')).rejects.toThrow(
      expect.objectContaining({ remedy: 'Set TICKLAKE_DATABASE_URL_API or TICKLAKE_DATABASE_URL.' }),
    );
  });
});
