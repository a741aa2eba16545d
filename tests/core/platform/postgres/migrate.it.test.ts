import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isTicklakeError } from '#core/platform/errors.ts';
import { freePort } from '#core/platform/ports.ts';
import { migrate } from '#core/platform/postgres/migrate.ts';
import { migrationsFolder, migrationsTable } from '#core/platform/postgres/schema.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { asAdmin, codeOf, openAt } from './support.ts';

const migrating = new URL('../../../../core/platform/postgres/migrate.ts', import.meta.url).href;

describe('migrations', { timeout: 120_000 }, () => {
  let server: Awaited<ReturnType<typeof startTestPostgres>>;
  let url = '';
  let databases = 0;

  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => await server?.close());
  beforeEach(async () => {
    url = await newDatabase();
  });

  async function newDatabase(): Promise<string> {
    const name = `history_${++databases}`;
    await asAdmin(server.url, `create database ${name}`);
    const named = new URL(server.url);
    named.pathname = `/${name}`;
    return named.href;
  }

  async function history(): Promise<string[]> {
    const { rows } = await openAt(url).query<{ name: string }>(
      'select name from ticklake_migrations order by id',
    );
    return rows.map(({ name }) => name);
  }

  it('are run once, in order, by however many processes at once', async () => {
    const program = `import { migrate } from '${migrating}'; await migrate(process.argv[1]);`;
    const run = async (): Promise<unknown> =>
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, url]);
    await Promise.all([run(), run(), run()]);
    const names = await history();
    expect(names[0]).toBe('0001_roles');
    expect(names).toEqual([...new Set(names)].toSorted());
  });

  it('change nothing the second time', async () => {
    await migrate(url);
    const names = await history();
    await migrate(url);
    expect(await history()).toEqual(names);
  });

  it('go on where an older version stopped', async () => {
    await runner({
      databaseUrl: url,
      dir: fileURLToPath(migrationsFolder),
      direction: 'up',
      count: 2,
      migrationsTable,
      log: () => undefined,
    });
    expect(await history()).toHaveLength(2);
    await migrate(url);
    expect((await history()).length).toBeGreaterThan(2);
  });

  it('leave nothing half done when one fails', async () => {
    await openAt(url).query('create schema lake');
    expect(await codeOf(migrate(url))).toBe('DATABASE_WRONG');
    expect(await history()).toEqual(['0001_roles', '0010_event_log']);
    const { rows } = await openAt(url).query(`select to_regclass('iceberg_tables') as made`);
    expect(rows).toEqual([{ made: null }]);
  });

  it('refuse a database with the history of another program, and leave it as it is', async () => {
    await keepHistory(['0001_customers']);
    const error = await errorOf(migrate(url));
    expect(error).toMatchObject({
      code: 'DATABASE_WRONG',
      exitCode: 64,
      remedy: expect.stringMatching(/empty database/),
    });
    expect(await history()).toEqual(['0001_customers']);
  });

  it('refuse a database that a newer version made', async () => {
    await migrate(url);
    await openAt(url).query(`insert into ticklake_migrations (name, run_on) values ('9999_future', now())`);
    const error = await errorOf(migrate(url));
    expect(error).toMatchObject({
      code: 'DATABASE_WRONG',
      message: expect.stringMatching(/9999_future.*newer/),
    });
  });

  it('refuse a database that has tables of the same names', async () => {
    await openAt(url).query('create table iceberg_tables (id integer)');
    const error = await errorOf(migrate(url));
    expect(error).toMatchObject({
      code: 'DATABASE_WRONG',
      message: expect.stringContaining('iceberg_tables'),
    });
    expect(error.remedy).toMatch(/empty database/);
  });

  it('say that no server answers, or not to this login', async () => {
    const other = new URL(url);
    other.port = String(await freePort());
    expect(await codeOf(migrate(other.href))).toBe('DATABASE_UNREACHABLE');
    other.href = url;
    other.password = 'wrong';
    expect(await codeOf(migrate(other.href))).toBe('DATABASE_WRONG');
  });

  it('run as an owner that is no superuser, who can then act as each role', async () => {
    // On a server where nobody has made the groups yet.
    const fresh = await startTestPostgres();
    try {
      await asAdmin(fresh.url, `create role plain_owner login createrole password 'plain'`);
      await asAdmin(fresh.url, 'create database plain owner plain_owner');
      const named = new URL(fresh.url);
      [named.username, named.password, named.pathname] = ['plain_owner', 'plain', '/plain'];
      await migrate(named.href);
      for (const role of ['ticklake_ingest', 'ticklake_api', 'ticklake_analyst']) {
        await asAdmin(named.href, `set role ${role}`);
      }
    } finally {
      await fresh.close();
    }
  });

  async function keepHistory(names: string[]): Promise<void> {
    await openAt(url).query(
      'create table ticklake_migrations (id serial primary key, name text not null, run_on timestamp not null)',
    );
    await openAt(url).query(
      'insert into ticklake_migrations (name, run_on) select name, now() from unnest($1::text[]) as name',
      [names],
    );
  }
});

async function errorOf(
  work: Promise<unknown>,
): Promise<{ code: string; exitCode: number; message: string; remedy: string }> {
  try {
    await work;
  } catch (error) {
    if (isTicklakeError(error)) {
      const { code, exitCode, message, remedy = '' } = error;
      return { code, exitCode, message, remedy };
    }
    throw error;
  }
  throw new Error('there was no error');
}
