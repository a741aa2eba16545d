import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { freePort } from '#core/platform/ports.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { openCuttingProxy } from './proxy.ts';
import { codeOf, openAt, waiting } from './support.ts';

describe('a database', () => {
  let url = '';
  let close: () => Promise<void>;
  let table = '';
  let tables = 0;

  beforeAll(async () => {
    ({ url, close } = await startTestPostgres());
  });
  afterAll(async () => await close?.());

  async function openWithTable(): Promise<Database> {
    const database = openAt(url);
    table = `rows_${++tables}`;
    await database.query(`create table ${table} (id bigint primary key)`);
    return database;
  }

  async function ids(database: Database): Promise<number[]> {
    const { rows } = await database.query<{ id: number }>(`select id from ${table} order by id`);
    return rows.map(({ id }) => id);
  }

  it('keeps what a transaction did, and gives what its work gives', async () => {
    const database = await openWithTable();
    const result = await database.transaction(async (tx) => {
      await tx.query(`insert into ${table} values ($1)`, [1]);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await ids(database)).toEqual([1]);
  });

  it('rolls back when the work fails, whatever it fails on, and goes on', async () => {
    const database = openAt(url, { maxConnections: 1 });
    table = `rows_${++tables}`;
    await database.query(`create table ${table} (id bigint primary key)`);
    const own = new TicklakeError('CONFLICT', 'no');
    await expect(
      database.transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1)`);
        throw own;
      }),
    ).rejects.toBe(own);
    expect(
      await codeOf(
        database.transaction(async (tx) => {
          await tx.query(`insert into ${table} values (1)`);
          await tx.query(`insert into ${table} values (1)`);
        }),
      ),
    ).toBe('23505');
    expect(await ids(database)).toEqual([]);
  });

  it('does not call a transaction done that Postgres rolled back at COMMIT', async () => {
    const database = await openWithTable();
    await database.query(`insert into ${table} values (1)`);
    const code = await codeOf(
      database.transaction(async (tx) => {
        await tx.query(`insert into ${table} values (2)`);
        await tx.query(`insert into ${table} values (1)`).catch(() => undefined);
      }),
    );
    expect(code).toBe('INTERNAL');
    expect(await ids(database)).toEqual([1]);
  });

  it('says what a deferred check says at COMMIT', async () => {
    const database = await openWithTable();
    await database.query(
      `create table ${table}_parts (id bigint references ${table} deferrable initially deferred)`,
    );
    const code = await codeOf(
      database.transaction((tx) => tx.query(`insert into ${table}_parts values (9)`)),
    );
    expect(code).toBe('23503');
  });

  it.each([
    ['passed on', [7]],
    ['swallowed', []],
  ] as const)(
    'does not know whether a COMMIT happened whose connection broke when it was %s',
    async (passOn, kept) => {
      const direct = await openWithTable();
      const proxy = await openCuttingProxy(url, 'commit', passOn);
      const database = openAt(proxy.url);
      const code = await codeOf(database.transaction((tx) => tx.query(`insert into ${table} values (7)`)));
      expect(code).toBe('COMMIT_UNKNOWN');
      expect(proxy.cuts()).toBe(1);
      await vi.waitFor(async () => {
        expect(await openTransactions(direct)).toBe(0);
      }, waiting);
      expect(await ids(direct)).toEqual(kept);
    },
  );

  it('does not know whether a COMMIT happened when the server ended the session during it', async () => {
    const database = await openWithTable();
    await database.query(
      `create function slow_${table}() returns trigger language plpgsql as
       $$ begin perform pg_sleep(60); return null; end $$`,
    );
    await database.query(
      `create constraint trigger slow after insert on ${table} deferrable initially deferred
       for each row execute function slow_${table}()`,
    );
    const transaction = codeOf(
      database.transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1)`);
      }),
    );
    await vi.waitFor(async () => {
      const { rows } = await database.query<{ ended: boolean }>(
        `select pg_terminate_backend(pid) as ended from pg_stat_activity where query = 'commit' and state = 'active'`,
      );
      expect(rows).toEqual([{ ended: true }]);
    }, waiting);
    expect(await transaction).toBe('COMMIT_UNKNOWN');
    expect(await ids(database)).toEqual([]);
  });

  it('survives the loss of all its connections: who had one is told, who asks next is answered', async () => {
    const database = await openWithTable();
    const others = openAt(url);
    let connected = (): void => undefined;
    const begun = new Promise<void>((resolve) => (connected = resolve));
    const transaction = codeOf(
      database.transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1)`);
        connected();
        await tx.query('select pg_sleep(60)');
      }),
    );
    await begun;
    await Promise.all([database.ping(), database.ping()]);
    await others.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    expect(await transaction).toBe('DATABASE_UNREACHABLE');
    await vi.waitFor(async () => expect(await ids(database)).toEqual([]), waiting);
  });

  it('is unreachable with no server, no such host, and no free connection', async () => {
    const nobody = new URL(url);
    nobody.port = String(await freePort());
    expect(await codeOf(openAt(nobody.href).ping())).toBe('DATABASE_UNREACHABLE');
    expect(await codeOf(openAt(nobody.href).transaction((tx) => tx.query('select 1')))).toBe(
      'DATABASE_UNREACHABLE',
    );
    nobody.hostname = 'no-such-host.invalid';
    expect(await codeOf(openAt(nobody.href).ping())).toBe('DATABASE_UNREACHABLE');

    const crowded = openAt(url, { maxConnections: 1 });
    let leave = (): void => undefined;
    const stay = new Promise<void>((resolve) => (leave = resolve));
    const holding = crowded.transaction(() => stay);
    expect(await codeOf(crowded.ping())).toBe('DATABASE_UNREACHABLE');
    leave();
    await holding;
    await crowded.ping();
  });

  it('is wrong with a login or a database that is not there', async () => {
    const other = new URL(url);
    other.password = 'wrong';
    expect(await codeOf(openAt(other.href).ping())).toBe('DATABASE_WRONG');
    other.href = url;
    other.pathname = '/nowhere';
    expect(await codeOf(openAt(other.href).ping())).toBe('DATABASE_WRONG');
  });

  it('says that a transaction can be run again which did not get a lock in time', async () => {
    const [holder, waiter] = [openAt(url), openAt(url)];
    const code = await holder.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(7)');
      const refused = waiter.transaction(async (other) => {
        await other.query("set local lock_timeout = '50ms'");
        await other.query('select pg_advisory_xact_lock(7)');
      });
      return await codeOf(refused);
    });
    expect(code).toBe('CONFLICT');
    expect(new TicklakeError('CONFLICT', '').retryable).toBe(true);
  });

  it('gives 64-bit integers as numbers, and refuses those that a number does not hold', async () => {
    const database = openAt(url);
    const { rows } = await database.query(
      `select 9007199254740991::bigint as most, -9007199254740991::bigint as least, 0.1::numeric as share`,
    );
    expect(rows).toEqual([{ most: 9_007_199_254_740_991, least: -9_007_199_254_740_991, share: '0.1' }]);
    for (const unsafe of ['9007199254740992', '-9223372036854775808']) {
      await expect(database.query(`select '${unsafe}'::bigint as it`)).rejects.toThrow(
        `${unsafe} from Postgres is beyond the safe integers`,
      );
    }
    await expect(
      database.transaction((tx) => tx.query('select 9007199254740992::bigint as it')),
    ).rejects.toThrow(RangeError);
    await database.ping();
  });
});

async function openTransactions(database: Database): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*) as count from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`,
  );
  return rows[0]?.count ?? 0;
}
