import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { freePort } from '#core/platform/ports.ts';
import { noteVenueTime } from '#pipelines/ingest-trades/symbols.ts';
import type { TestKafka } from '#tests/support/kafka.ts';
import { knowSymbols, openTestLake, type TestLake } from '#tests/support/lake.ts';

/** A role in a process of its own. */
export interface RoleProcess {
  /** Ends it by SIGKILL; ends when it is gone. */
  kill(): Promise<void>;
}

export interface ApiProcess extends RoleProcess {
  readonly url: string;
  /** Of the process as it runs now. */
  pid(): number;
  /** Starts it again where it listened. */
  start(): Promise<void>;
}

/** One market on the log and in Postgres, and the roles that trade on it, as real processes. */
export interface TradingRoles {
  readonly lake: TestLake;
  /** Answers when it serves the market's price. */
  startApi(): Promise<ApiProcess>;
  startTrader(): RoleProcess;
  /** What is told of orders: alerts, notifications, aggregates. */
  startEvents(): RoleProcess;
  /** A trade of {@link symbol}, as it comes from the feed, so long ago by the venue's clock. */
  trade(price: string, options?: { agoMs?: number; volume?: string }): Promise<number>;
  until(what: string, isSo: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

/** What the services take for the venue where an order names none. */
export const source = 'simulator:42';
export const symbol = 'BTCUSDT';

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const waitMs = 120_000;
const linesKept = 40;

/** With a broker, that is their log. */
export async function openTradingRoles({ kafka }: { kafka?: TestKafka } = {}): Promise<TradingRoles> {
  const lake = await openTestLake({ kafka });
  await knowSymbols(lake.database, source, [symbol]);
  const running = new Set<ChildProcess>();
  const said: string[] = [];
  let lastTradeId = 0;

  const start = (role: string, more: Record<string, string>): ChildProcess => {
    const env = {
      ...process.env,
      ...{ TICKLAKE_DATABASE_URL: lake.url, TICKLAKE_DATA_DIR: lake.dir, TICKLAKE_LOG_LEVEL: 'warn' },
      ...{ TICKLAKE_EXCHANGE: 'simulator', TICKLAKE_SIMULATOR_SEED: '42', TICKLAKE_LOG_PARTITIONS: '4' },
      ...(kafka === undefined ? {} : { TICKLAKE_KAFKA_BROKERS: kafka.brokers.join(',') }),
      ...more,
    };
    const args = ['--disable-warning=ExperimentalWarning', command, 'run', role];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.push(text);
      if (said.length > linesKept) said.shift();
    });
    running.add(child);
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const startPlain = (role: string): RoleProcess => {
    const child = start(role, {});
    return { kill: () => kill(child) };
  };
  const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + waitMs;
    while (!(await isSo().catch(() => false))) {
      if (Date.now() > deadline)
        throw new Error(`waited ${waitMs} ms in vain for ${what}; said at last:\n${said.join('')}`);
      await sleep(25);
    }
  };

  return {
    lake,
    until,
    async startApi() {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const limits = { TICKLAKE_API_ADDRESS_REQUESTS: '1000000000', TICKLAKE_API_USER_WEIGHT: '1000000000' };
      let child: ChildProcess;
      const api: ApiProcess = {
        url,
        pid: () => child.pid ?? 0,
        async start() {
          child = start('api', { TICKLAKE_API_PORT: String(port), ...limits });
          await until('the API', async () => (await fetch(`${url}/v1/markets/${symbol}`)).ok);
        },
        kill: () => kill(child),
      };
      await api.start();
      return api;
    },
    startTrader: () => startPlain('trader'),
    startEvents: () => startPlain('events'),
    async trade(price, { agoMs = 0, volume = '1' } = {}) {
      const timestampUs = (Date.now() - agoMs) * 1_000;
      await noteVenueTime(lake.database, source, timestampUs);
      lastTradeId += 1;
      const trade = { source, symbol, tradeId: lastTradeId, price, volume, side: 'buy' } as const;
      const value = encodeTrade({ ...trade, timestampUs }, 'stream', String(Date.now() * 1_000_000));
      await lake.log.append(tradesTopic, [{ key: tradeKey(source, symbol), value }]);
      return lastTradeId;
    },
    async close() {
      for (const child of running) await kill(child);
      await lake.close();
    },
  };
}
