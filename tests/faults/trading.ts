import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { withRuntime } from '#cli/runtime.ts';
import { startOrderLoad, type OrderLoad } from './order-load.ts';
import { randomOf } from './random.ts';
import { openTradedMarket } from './traded-market.ts';
import { auditTrading, storedOrders, type TradingAudit, type TradingFaults } from './trading-audit.ts';
import { startUp, type UpProcess } from './up-process.ts';

const victims = ['api', 'trader', 'postgres'] as const;
type Victim = (typeof victims)[number];

export interface TradingCrashOptions {
  kills: number;
  seed: number;
  speed: number;
  say?: (line: string) => void;
}

export interface TradingCrashResult {
  /** What must not be; empty when the proof holds. */
  problems: string[];
  figures: TradingAudit['counts'] & {
    /** Requests that were sent, and those that asked again as no answer had come. */
    requests: number;
    askedAgain: number;
    acknowledged: number;
    rejected: number;
    /** Of those, how many for which reason. */
    rejectCodes: Record<string, number>;
    canceled: number;
    refused: number;
  };
  kills: Record<Victim, number>;
  /** For each victim, the longest time until an order was taken and filled again, in milliseconds. */
  slowestMs: Record<Victim, number>;
  /** The seed, and a line for each kill. */
  story: string[];
}

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
const problemsShown = 20;

/**
 * Runs `ticklake up` under a load of orders over REST, kills the API, the trader and Postgres with SIGKILL at random
 * instants, and compares what clients were told with what is stored, and fills with the tape.
 */
export async function tradingCrashRun(options: TradingCrashOptions): Promise<TradingCrashResult> {
  const random = randomOf(options.seed);
  const story = [`seed ${options.seed}`];
  const kills: Record<Victim, number> = { api: 0, trader: 0, postgres: 0 };
  const slowestMs = { ...kills };
  const up = await startUp({ speed: options.speed });
  try {
    const load = await startLoad(up, options.seed);
    await up.until('an order that is filled', filledOrder(load));
    for (let kill = 0; kill < options.kills; kill++) {
      const victim = victims[Math.floor(random() * victims.length)] ?? 'api';
      await sleep(100 + random() * 1_200);
      const pid = await up.pidOf(victim);
      process.kill(pid, 'SIGKILL');
      kills[victim]++;
      const startedAt = Date.now();
      await up.until(`${victim} to run again`, async () => (await up.pidOf(victim)) !== pid);
      await up.until('an order that is filled', filledOrder(load));
      const tookMs = Date.now() - startedAt;
      slowestMs[victim] = Math.max(slowestMs[victim], tookMs);
      const line = `kill ${kill + 1} of ${options.kills}: ${victim}, an order is filled again after ${tookMs} ms`;
      story.push(line);
      options.say?.(line);
    }
    await load.stop();
    await up.until('a last order that is filled', filledOrder(load));
    const unlike = await load.askAllAgain();
    const wrong = await load.reconcile();
    await up.end();
    const { figures, problems } = await compare(up, load);
    return {
      problems: [
        ...problems,
        ...some('answered otherwise when asked again', unlike),
        ...some('books that are not right by the API', wrong),
        ...some('surprises', load.surprises),
      ],
      ...{ figures, kills, slowestMs, story },
    };
  } finally {
    await up.close();
  }
}

async function startLoad(up: UpProcess, seed: number): Promise<OrderLoad> {
  const url = `http://127.0.0.1:${up.apiPort}`;
  await up.until('prices', async () => {
    const answers = await Promise.all(symbols.map((symbol) => fetch(`${url}/v1/markets/${symbol}`)));
    return answers.every(({ ok }) => ok);
  });
  const exchange = await up.exchangeUrl();
  const markets = await Promise.all(symbols.map((symbol) => openTradedMarket(exchange, symbol)));
  return await startOrderLoad({ url, seed, markets, users: 3, portfoliosEach: 2, workersEach: 2 });
}

/** Whether a market order of its own is filled by now; another is placed where one was rejected or expired. */
function filledOrder(load: OrderLoad): () => Promise<boolean> {
  let id: string | undefined;
  return async () => {
    id ??= (await load.placeMarketOrder()).id;
    const { status } = await load.look(id);
    if (status === 'rejected' || status === 'expired' || status === 'canceled') id = undefined;
    return status === 'filled';
  };
}

async function compare(
  { dataDir }: UpProcess,
  load: OrderLoad,
): Promise<Pick<TradingCrashResult, 'figures' | 'problems'>> {
  const config = loadConfig({ env: {}, overrides: { dataDir } });
  const logger = createLogger({ level: 'silent', name: 'audit' });
  return await withRuntime(config, 'owner', 'audit', logger, async (runtime) => {
    const { counts, faults } = await auditTrading(runtime);
    const stored = await storedOrders(runtime.connection.database);
    const { orders, refused, canceled, notCanceled } = load;
    const { sent, again } = load.sent();
    const codes = [...orders.values()].flatMap(({ rejectCode }) => rejectCode ?? []);
    const rejected = codes.length;
    const rejectCodes = Object.fromEntries(
      [...Map.groupBy(codes, (code) => code)].map(([code, of]) => [code, of.length]),
    );
    const figures = {
      ...counts,
      ...{ requests: sent, askedAgain: again },
      ...{
        acknowledged: orders.size,
        rejected,
        rejectCodes,
        canceled: canceled.size,
        refused: refused.length,
      },
    };
    return { figures, problems: [...problemsOf(faults), ...untold(), ...idle()] };

    /** What clients were told, against what is stored. */
    function untold(): string[] {
      return [
        ...some(
          'acknowledged, not stored',
          [...orders.keys()].filter((id) => !stored.ids.has(id)),
        ),
        ...some(
          'stored, never acknowledged',
          [...stored.ids].filter((id) => !orders.has(id)),
        ),
        ...some('refused, but there', [
          ...refused.filter(({ clientOrderId }) => stored.clientOrderIds.has(clientOrderId)),
          ...refused.filter(({ key }) => key !== undefined && stored.keys.has(key)),
        ]),
        ...some(
          'cancelled, but not once',
          [...canceled].filter((id) => stored.canceled.get(id) !== 1),
        ),
        ...some(
          'cancel refused, but cancelled',
          [...notCanceled].filter((id) => stored.canceled.has(id)),
        ),
      ];
    }

    /** A proof of nothing. */
    function idle(): string[] {
      const least = { fills: counts.fills, acknowledged: orders.size - rejected, canceled: canceled.size };
      return Object.entries(least).flatMap(([what, n]) => (n > 0 ? [] : [`nothing was ${what}`]));
    }
  });
}

/** What must be zero and is not. */
function problemsOf(faults: TradingFaults): string[] {
  return Object.entries(faults).flatMap(([what, count]) => (count === 0 ? [] : [`${what}: ${count}`]));
}

function some(what: string, items: readonly unknown[]): string[] {
  if (items.length === 0) return [];
  return [`${what}: ${items.length}`, ...items.slice(0, problemsShown).map((item) => JSON.stringify(item))];
}
