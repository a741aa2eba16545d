import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseDecimal } from '#core/market/decimal.ts';
import { ordersTopic } from '#core/market/topics.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { readEvents } from '#core/trading/read.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { startRelay } from '#pipelines/relay-orders/relay.ts';
import { logger, openTestTrading } from '#tests/core/trading/support.ts';
import { randomOf } from '#tests/faults/random.ts';
import { notesOf, notesTable } from './noting.ts';

export interface KilledRun {
  /** What was found wrong. */
  problems: string[];
  figures: { kills: number; portfolios: number; events: number; repeated: number; alerts: number };
}

const program = fileURLToPath(new URL('./feed-program.ts', import.meta.url));
const portfolioCount = 6;
const patienceMs = 60_000;
const killWithinMs = 300;

/**
 * Two processes take the events of portfolios while one after another is killed and started again, and all records of the
 * topic come again and again. Afterwards each event was noted once, in order, and each user's rejected orders raised one alert.
 */
export async function killedConsumersRun(options: {
  kills: number;
  seed: number;
  say: (line: string) => void;
}): Promise<KilledRun> {
  const { kills, seed, say } = options;
  const random = randomOf(seed);
  const trading = await openTestTrading();
  const { database } = trading;
  await database.query(notesTable);
  const log = createPostgresLog({ database, logger, metrics: new Metrics() });
  const relay = await startRelay({ database, log, logger, metrics: new Metrics() });
  const writer = trading.newWriter();
  const children: ChildProcess[] = [];
  const start = (index: number): void => {
    const args = ['--disable-warning=ExperimentalWarning', program, trading.url];
    children[index] = spawn(process.execPath, args, { stdio: 'ignore' });
  };
  const noted = async (): Promise<number> =>
    [...(await notesOf(database, 'noted')).values()].reduce((sum, { length }) => sum + length, 0);
  try {
    const portfolios = await Promise.all(Array.from({ length: portfolioCount }, () => open(writer)));
    let repeated = 0;
    const work = async (portfolioId: string): Promise<void> => {
      for (let time = 0; time < 10; time++) await deposit(writer, portfolioId);
      for (let time = 0; time < 2; time++) await reject(writer, portfolioId);
      const all = await readEvents(database, portfolioId, { limit: 10_000 });
      repeated += all.length;
      await log.append(
        ordersTopic,
        all.map(({ text: value }) => ({ key: portfolioId, value })),
      );
    };
    for (const index of [0, 1]) start(index);
    for (let kill = 0; kill < kills; kill++) {
      const before = await noted();
      const working = Promise.all(portfolios.map(work));
      await until(async () => (await noted()) > before, 'nothing is noted any more');
      await sleep(random() * killWithinMs);
      const index = random() < 0.5 ? 0 : 1;
      const child = children[index];
      const exit = child === undefined ? undefined : once(child, 'exit');
      child?.kill('SIGKILL');
      await Promise.all([exit, working]);
      start(index);
      if (kill % 10 === 9) say(`${kill + 1} kills, ${await noted()} events noted`);
    }
    const { rows: heads } = await database.query<{ id: string; number: number }>(
      'select portfolio_id as id, number from trading.heads',
    );
    const wanted = heads.reduce((sum, { number }) => sum + number, 0);
    await until(async () => (await noted()) >= wanted, 'not all events are noted');
    // What is read again by now is taken, or left out.
    await sleep(1_000);
    const notes = await notesOf(database, 'noted');
    const { rows: alerts } = await database.query<{ id: string; count: number }>(
      `select portfolio_id as id, count(*) as count from alerts.alerts where kind = 'repeated_rejects' group by 1`,
    );
    const problems = heads.flatMap(({ id, number }) => {
      const numbers = notes.get(id) ?? [];
      const raised = alerts.find((of) => of.id === id)?.count ?? 0;
      return [
        ...(numbers.length === number && numbers.every((noted, index) => noted === index + 1)
          ? []
          : [`of ${number} events of ${id} were noted ${numbers.join()}`]),
        ...(raised === 1 ? [] : [`${raised} alerts were raised about ${id}`]),
      ];
    });
    const figures = { kills, portfolios: heads.length, events: wanted, repeated, alerts: alerts.length };
    return { problems, figures };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await relay.close();
    await log.close();
    await trading.close();
  }
}

async function until(isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const deadlineMs = Date.now() + patienceMs; !(await isSo());) {
    if (Date.now() > deadlineMs) throw new Error(otherwise);
    await sleep(20);
  }
}

async function open(writer: TradingWriter): Promise<string> {
  const portfolioId = randomUUID();
  const at = { portfolioId, atUs: Date.now() * 1_000 };
  const [userId, name] = [randomUUID(), 'Test'];
  await writer.submit({ ...at, kind: 'open_portfolio', userId, name, limits: defaultLimits });
  return portfolioId;
}

async function deposit(writer: TradingWriter, portfolioId: string): Promise<void> {
  await writer.submit({
    ...{ portfolioId, atUs: Date.now() * 1_000, kind: 'deposit', id: randomUUID(), asset: 'USDT' },
    amount: parseDecimal('1'),
  });
}

/** Places an order that is rejected: there is no such market. */
async function reject(writer: TradingWriter, portfolioId: string): Promise<void> {
  await writer.submit({
    ...{ portfolioId, atUs: Date.now() * 1_000, kind: 'place_order', orderId: randomUUID() },
    request: {
      ...{ source: 'binance', symbol: 'NONE', side: 'buy', type: 'market', timeInForce: 'IOC' },
      ...{ quantity: parseDecimal('1'), postOnly: false },
    },
  });
}
