import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { fees } from '#tests/core/trading/pure.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';
import type { MarketOf } from './model.ts';
import { openPostgresProxy } from './postgres-proxy.ts';
import type { Break } from './steps.ts';

/** A Postgres, and two writers whose connections to it can be broken. */
export interface Ground {
  /** Past what breaks the writers' connections. */
  readonly database: Database;
  /** The markets that the writers decide on. */
  view: MarketOf;
  /** A writer as it is at this moment: another may take its place. */
  writer(index: number): TradingWriter;
  break(how: Break, index: number): Promise<void>;
  close(): Promise<void>;
}

const logger = pino({ level: 'silent' });
/** What was sent arrives meanwhile, and is done. */
const lostMs = 4;
const recoveredMs = 30_000;
const connectionsMax = 4;

export async function openGround(): Promise<Ground> {
  const postgres = await startMigratedPostgres();
  const metrics = new Metrics();
  const database = openDatabase({
    ...{ url: postgres.url, applicationName: 'test', logger, metrics },
    maxConnections: connectionsMax,
  });
  await database.query('create table places (key text primary key, number bigint not null)');
  const surroundings = { fees, market: (_: string, symbol: string) => ground.view(symbol) };
  const opened: TradingWriter[] = [];
  const sides = [await openSide(), await openSide()];
  const ground: Ground = {
    database,
    view: () => undefined,
    writer: (index) => side(index).writer,
    async break(how, index) {
      const { proxy } = side(index);
      switch (how) {
        case 'terminated':
          await database.query(
            'select pg_terminate_backend(pid) from pg_stat_activity where client_port = any($1)',
            [proxy.ports()],
          );
          return;
        case 'cut':
          proxy.cut();
          return;
        case 'unanswered':
          proxy.loseAnswers();
          await sleep(lostMs);
          proxy.cut();
          return;
        case 'unheard':
          proxy.loseRequests();
          await sleep(lostMs);
          proxy.cut();
          return;
        case 'replaced':
          side(index).writer = newWriter(side(index).database);
          proxy.cut();
          return;
        case 'recovering':
          await recover(proxy.ports());
      }
    },
    async close() {
      for (const writer of opened) await writer.close();
      for (const each of sides) await each.database.close();
      await database.close();
      for (const each of sides) await each.proxy.close();
      await postgres.close();
    },
  };
  return ground;

  async function openSide() {
    const proxy = await openPostgresProxy(postgres.url);
    const behind = openDatabase({ url: proxy.url, applicationName: 'writer', logger, metrics });
    return { proxy, database: behind, writer: newWriter(behind) };
  }

  function side(index: number) {
    const found = sides[index];
    if (found === undefined) throw new RangeError(`there is no writer ${index}`);
    return found;
  }

  function newWriter(behind: Database): TradingWriter {
    const writer = openTradingWriter({ database: behind, surroundings, metrics });
    opened.push(writer);
    return writer;
  }

  async function recover(ports: readonly number[]): Promise<void> {
    const { rows } = await database.query<{ pid: number }>(
      'select pid from pg_stat_activity where client_port = any($1) limit 1',
      [ports],
    );
    for (const { pid } of rows) process.kill(pid, 'SIGKILL');
    for (const deadline = Date.now() + recoveredMs; ;) {
      await sleep(20);
      // All connections of the pool are tried, as each breaks at its own time.
      const pings = await Promise.allSettled(
        Array.from({ length: connectionsMax }, () => database.query('select pg_sleep(0.01)')),
      );
      const isUp = pings.every(({ status }) => status === 'fulfilled');
      if (isUp) return;
      if (Date.now() > deadline) throw new Error(`Postgres has not recovered in ${recoveredMs} ms`);
    }
  }
}
