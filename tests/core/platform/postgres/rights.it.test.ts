import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLake } from '#core/lake/create.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { acquirePostgres, type EmbeddedPostgres } from '#core/platform/postgres/embedded.ts';
import type { DatabaseRole } from '#core/platform/postgres/state.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { codeOf, logger, untilStopped } from './support.ts';

const denied = '42501';
const needsPython = requires(
  (await pythonEnvironment()) !== undefined,
  'Python with PyIceberg',
  pythonRemedy,
);
const catalog = ['public.iceberg_namespace_properties', 'public.iceberg_tables'];
/** Schemas whose tables a login may write at all. */
const mayWrite = {
  ingest: [
    ...['exports', 'ingest', 'jobs', 'lake', 'log', 'pgboss', 'public', 'quality', 'reads', 'stream'],
    'universe',
  ],
  api: ['alerts', 'identity', 'jobs', 'pgboss', 'reads', 'trading'],
  events: ['alerts', 'analytics', 'events', 'exports', 'log'],
  trader: ['log', 'trading'],
};

describe('the logins of the embedded Postgres', { timeout: 120_000 }, () => {
  let dir = '';
  let postgres: EmbeddedPostgres;
  const opened: Database[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ticklake-rights-'));
    await chmod(dir, 0o755);
    postgres = await acquirePostgres(dir, logger);
    const options = { database: as('ingest'), logger, metrics: new Metrics() };
    await createLake({
      ...options,
      catalogName: 'ticklake',
      store: await openFileStore(join(dir, 'warehouse')),
    });
  });
  afterAll(async () => {
    for (const database of opened) await database.close();
    postgres?.release();
    await untilStopped(dir);
    await rm(dir, { recursive: true, force: true });
  });

  function as(role: DatabaseRole): Database {
    const url = postgres.urlFor(role);
    const database = openDatabase({ url, applicationName: 'test', logger, metrics: new Metrics() });
    opened.push(database);
    return database;
  }

  /** Tables and views on which a login has one of the rights, `schema.name`. */
  async function tablesWith(role: string, ...rights: string[]): Promise<string[]> {
    const { rows } = await as('owner').query<{ name: string }>(
      `select format('%s.%s', relnamespace::regnamespace, relname) as name from pg_class
       where relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace::regnamespace::text !~ '^(pg_(catalog|toast)|information_schema)'
         and has_table_privilege('ticklake_login_' || $1, oid, $2)
       order by 1`,
      [role, rights.join()],
    );
    return rows.map(({ name }) => name);
  }

  it.each(['ingest', 'api', 'trader', 'events', 'analyst'] as const)(
    '%s owns nothing, and can make, change and drop no table',
    async (role) => {
      const login = as(role);
      expect(await codeOf(login.query('drop table iceberg_tables'))).toBe(denied);
      expect(await codeOf(login.query('alter table iceberg_tables add column more text'))).toBe(denied);
      expect(await codeOf(login.query('truncate iceberg_tables'))).toBe(denied);
      expect(await codeOf(login.query('create table mine (id integer)'))).toBe(denied);
      expect(await codeOf(login.query('create schema mine'))).toBe(denied);
      expect(await codeOf(login.query('create role mine'))).toBe(denied);
      expect(await codeOf(login.query('set role ticklake_login_owner'))).toBe(denied);
      expect(await codeOf(login.query(`copy (select 1) to program 'true'`))).toBe(denied);
      expect(
        await codeOf(login.query(`insert into ticklake_migrations (name, run_on) values ('x', now())`)),
      ).toBe(denied);
      expect(await tablesWith(role, 'truncate', 'references', 'trigger', 'maintain')).toEqual([]);
    },
  );

  it.each(['ingest', 'api', 'trader', 'events'] as const)(
    '%s writes tables of its own schemas only',
    async (role) => {
      const written = await tablesWith(role, 'insert', 'update', 'delete');
      const schemas = new Set(written.map((name) => name.split('.')[0]));
      expect([...schemas].toSorted()).toEqual(mayWrite[role]);
      const inPublic = written.filter((name) => name.startsWith('public.'));
      expect(inPublic).toEqual(role === 'ingest' ? catalog : []);
    },
  );

  it('api reads the lake and cannot write it', async () => {
    const api = as('api');
    const { rows } = await api.query('select count(*) as count from lake.coverage');
    expect(rows).toEqual([{ count: 0 }]);
    expect((await api.query('select * from iceberg_tables')).rowCount).toBeGreaterThan(0);
    const coverage = `'market.trades', 'binance', 'BTCUSDT#1', '', 0, 10`;
    const writes = [
      `insert into lake.coverage values (${coverage})`,
      `select lake.extend_coverage('market.trades', '{binance}', '{BTCUSDT#1}', '{""}', '{0}', '{10}')`,
      `select lake.explain(${coverage}, 'never published', null)`,
      'delete from lake.explained',
      'update iceberg_tables set metadata_location = null',
      'delete from lake.commits',
      `select log.ensure_topic('trades', 1, 1000)`,
      'delete from log.offsets',
      'delete from ingest.dead_letters',
    ];
    for (const write of writes) expect(await codeOf(api.query(write)), write).toBe(denied);
  });

  it('ingest cannot rewrite what was committed', async () => {
    const ingest = as('ingest');
    for (const write of [
      'update lake.commits set ids_added = 0',
      'delete from lake.commits',
      'update lake.data_files set records = 0',
      'delete from ingest.batches',
      'delete from ingest.dead_letters',
    ]) {
      expect(await codeOf(ingest.query(write)), write).toBe(denied);
    }
  });

  it('who moves money adds to what has happened, and changes none of it', async () => {
    for (const role of ['api', 'trader'] as const) {
      const login = as(role);
      for (const table of ['events', 'ledger', 'idempotency', 'portfolios'])
        for (const change of [
          `update trading.${table} set portfolio_id = null`,
          `delete from trading.${table}`,
        ])
          expect(await codeOf(login.query(change)), `${role}: ${change}`).toBe(denied);
      expect(await codeOf(login.query('delete from trading.orders'))).toBe(denied);
      expect(await codeOf(login.query('delete from trading.balances'))).toBe(denied);
      expect(await codeOf(login.query('delete from trading.global_risk'))).toBe(denied);
      expect((await login.query('select from trading.balances')).rowCount).toBe(0);
    }
  });

  it('events reads what has happened, and moves no money; what it hands on is read under pseudonyms alone', async () => {
    const events = as('events');
    expect((await events.query('select from trading.events')).rowCount).toBe(0);
    for (const write of [
      'update trading.balances set held = 0',
      'insert into trading.outbox (portfolio_id, number) values (gen_random_uuid(), 1)',
      'delete from trading.events',
      'delete from analytics.changes',
      'delete from exports.order_events',
    ])
      expect(await codeOf(events.query(write)), write).toBe(denied);
    const ingest = as('ingest');
    expect((await ingest.query('select line from exports.order_events')).rowCount).toBe(0);
    for (const read of ['trading.events', 'trading.portfolios', 'analytics.fills'])
      expect(await codeOf(ingest.query(`select * from ${read}`)), read).toBe(denied);
    expect(await codeOf(as('api').query('update analytics.fills set fees = 0'))).toBe(denied);
  });

  it.each(['ingest', 'trader'] as const)(
    '%s deletes what is past the retention of its topics',
    async (role) => {
      const { rows } = await as(role).query(`select log.retain(1, 1) as deleted`);
      expect(rows).toEqual([{ deleted: 0 }]);
    },
  );

  it('only the api turns the kill switch and knows users, and ingest sees no money', async () => {
    const turn = `update trading.global_risk set risk = risk`;
    expect((await as('api').query(turn)).rowCount).toBe(1);
    expect(await codeOf(as('trader').query(turn))).toBe(denied);
    expect(await codeOf(as('trader').query('select * from identity.users'))).toBe(denied);
    for (const role of ['ingest', 'analyst'] as const)
      for (const table of ['trading.balances', 'trading.events', 'identity.users', 'identity.sessions'])
        expect(await codeOf(as(role).query(`select * from ${table}`)), `${role}: ${table}`).toBe(denied);
  });

  it('events tells of trading and moves nothing; the api raises no alert, and nobody rewrites one', async () => {
    const events = as('events');
    expect((await events.query('select user_id, email, role from identity.users')).rowCount).toBe(0);
    for (const refused of [
      'select password_hash from identity.users',
      'select * from identity.sessions',
      'select * from trading.balances',
      `update trading.heads set risk = 'active'`,
      'delete from trading.outbox',
      'insert into trading.events select * from trading.events',
      `update alerts.alerts set cause = 'x'`,
      'delete from alerts.alerts',
      'insert into alerts.webhooks select * from alerts.webhooks',
      `update alerts.webhooks set url = 'x'`,
      'delete from events.progress',
      `insert into log.batches select * from log.batches`,
    ])
      expect(await codeOf(events.query(refused)), refused).toBe(denied);
    for (const refused of [
      'insert into alerts.alerts select * from alerts.alerts',
      `update alerts.alerts set cause = 'x'`,
      'insert into alerts.deliveries select * from alerts.deliveries',
      'update alerts.price_alerts set raised_at = now()',
      'update alerts.webhooks set sealed_secret = null',
    ])
      expect(await codeOf(as('api').query(refused)), refused).toBe(denied);
    for (const role of ['ingest', 'trader', 'analyst'] as const)
      expect(await codeOf(as(role).query('select * from alerts.webhooks')), role).toBe(denied);
  });

  it('nobody changes the audit log, and only the owner makes tokens for new passwords', async () => {
    const api = as('api');
    expect((await api.query(`insert into identity.audit (event) values ('sign_in')`)).rowCount).toBe(1);
    const refused = [`update identity.audit set event = 'x'`, 'delete from identity.audit'];
    for (const change of refused) {
      expect(await codeOf(api.query(change)), change).toBe(denied);
      expect(await codeOf(as('owner').query(change)), change).toBe(denied);
    }
    expect(await codeOf(api.query('delete from identity.password_resets'))).toBe(denied);
    const reset = `insert into identity.password_resets (token_hash, user_id, expires_at) values ('', null, now())`;
    expect(await codeOf(api.query(reset))).toBe(denied);
    expect(await codeOf(as('trader').query('select * from identity.audit'))).toBe(denied);
  });

  it('analyst sees and moves the catalog’s pointers, as foreign engines do, and nothing else', async () => {
    const analyst = as('analyst');
    const moved = await analyst.query(
      `update iceberg_tables set metadata_location = metadata_location, previous_metadata_location = metadata_location
       where catalog_name = 'ticklake' and table_namespace = 'market' and table_name = 'trades'`,
    );
    expect(moved.rowCount).toBe(1);
    expect(await tablesWith('analyst', 'insert', 'update', 'delete')).toEqual(catalog);
    const universe = ['discoveries', 'listings', 'members', 'statuses'].map((name) => `universe.${name}`);
    expect(await tablesWith('analyst', 'select')).toEqual([
      ...catalog,
      'public.ticklake_migrations',
      ...universe,
    ]);
    expect(await codeOf(analyst.query('select * from lake.coverage'))).toBe(denied);
    expect(await codeOf(analyst.query('select * from log.batches'))).toBe(denied);
  });

  it(
    'analyst is enough for PyIceberg to make a table and to commit to it',
    { ...needsPython, timeout: 180_000 },
    async () => {
      const written = await python<{ summary: Record<string, string>; metadata: string }>(
        'engines/pyiceberg_writer.py',
        {
          catalog: {
            name: 'ticklake',
            uri: postgres.tcpUrlFor('analyst').replace(/^postgresql:/, 'postgresql+psycopg2:'),
            warehouse: `file://${join(dir, 'warehouse')}`,
            table: 'outside.trades',
          },
          create: true,
          append: [
            { day: '2026-01-31', symbol: 'ETHUSDT', firstId: 10, count: 20 },
            { day: '2026-02-01', symbol: 'ETHUSDT', firstId: 30, count: 5 },
          ],
        },
      );
      expect(written.summary).toMatchObject({ 'total-records': '25' });
      const { rows } = await as('api').query(
        `select metadata_location from iceberg_tables where table_namespace = 'outside'`,
      );
      expect(rows).toEqual([{ metadata_location: written.metadata }]);
    },
  );

  it('no function lends its owner’s rights', async () => {
    const { rows } = await as('owner').query(
      `select oid::regprocedure::text as name from pg_proc
       where prosecdef and pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')`,
    );
    expect(rows).toEqual([]);
  });
});
