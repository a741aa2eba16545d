import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NewSession } from '#api/schemas/identity.ts';
import { openMarketOrders } from '#bench/trading/orders.ts';
import { decimalText } from '#core/market/decimal.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { startRelay } from '#pipelines/relay-orders/relay.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { randomOf } from './random.ts';
import type { Followed, Told } from './socket-client.ts';
import { startCrowd, type Crowd } from './socket-crowd.ts';
import { SureClient } from './sure-client.ts';
import { openTradingRoles, type ApiProcess, type TradingRoles } from './trading-roles.ts';

export interface SocketsOptions {
  /** Each follows orders and balances of a portfolio of its own. */
  clients: number;
  /** Connections after each client's first, over all. */
  reconnects: number;
  /** Of the two API processes, in turn, spread over the run. */
  kills: number;
  seed: number;
  /** Milliseconds that a connection lives at the mean. */
  lifeMs: number;
  commandsPerSecond: number;
  say?: (line: string) => void;
}

export interface SocketsResult {
  /** What must not be; empty when the proof holds. */
  problems: string[];
  figures: {
    clients: number;
    reconnects: number;
    kills: number;
    /** Of orders, and how often clients were told of one. */
    events: number;
    told: number;
    seconds: number;
  };
}

const users = 2;
const password = 'correct horse battery staple';
const turnMs = 20;
const openMax = 5;
const problemsShown = 20;

/**
 * Clients of two API processes follow portfolios on which orders are placed and cancelled all the time. Their connections end
 * at random moments, before, amid and after what they are sent, and go on at either process with the last tokens; a
 * process is killed now and then. In the end each was told every event of an order once, in order, and its last balances.
 */
export async function socketsRun(options: SocketsOptions): Promise<SocketsResult> {
  const roles = await openTradingRoles();
  const { database, log, logger, metrics } = roles.lake;
  const relay = await startRelay({ database, log, logger, metrics });
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  let crowd: Crowd | undefined;
  try {
    await roles.trade('60000.00');
    const apis = await Promise.all([roles.startApi(), roles.startApi()]);
    const followed = await openFollowed(apis[0], writer, options.clients);
    const urls = apis.map(({ url }) => `${url.replace('http', 'ws')}/v1/stream`);
    const { seed, lifeMs } = options;
    crowd = startCrowd({ urls, followed, seed, lifeMs });
    return await run(roles, apis, crowd, writer, followed, options);
  } finally {
    await crowd?.close();
    await writer.close();
    await relay.close();
    await roles.close();
  }
}

async function run(
  roles: TradingRoles,
  apis: readonly ApiProcess[],
  crowd: Crowd,
  writer: TradingWriter,
  followed: readonly Followed[],
  options: SocketsOptions,
): Promise<SocketsResult> {
  const { reconnects, kills, say } = options;
  const startedAt = Date.now();
  const load = startLoad(writer, followed, options);
  let killed = 0;
  let counted = 0;
  while (counted < reconnects || killed < kills) {
    await sleep(500);
    counted = (await crowd.ask('count')).reconnects;
    if (killed < kills && counted >= ((killed + 1) * reconnects) / (kills + 1)) {
      const api = apis[killed % apis.length];
      await api?.kill();
      await api?.start();
      killed += 1;
      say?.(`${counted} reconnects; API ${killed} of ${kills} killed and back`);
    }
  }
  await load.stop();
  await crowd.ask('steady');
  const { database } = roles.lake;
  const expected = await eventsOf(roles.lake);
  let told: Told[] = [];
  await roles
    .until('all clients to be told the last', async () => {
      told = (await crowd.ask('told')).told ?? [];
      return told.every(({ portfolioId, from, numbers, balancesNumber }) => {
        const last = expected.get(portfolioId)?.at(-1) ?? 0;
        return from >= 0 && (numbers.at(-1) ?? from) >= last && balancesNumber >= last;
      });
    })
    .catch((error: unknown) => say?.(String(error)));
  const problems = told.flatMap((one) => wrongOf(one, expected.get(one.portfolioId) ?? []));
  for (const one of told) problems.push(...wrongBalances(one, await balancesOf(one.portfolioId)));
  const figures = {
    ...{ clients: followed.length, reconnects: (await crowd.ask('count')).reconnects, kills: killed },
    events: [...expected.values()].reduce((sum, { length }) => sum + length, 0),
    told: told.reduce((sum, { numbers }) => sum + numbers.length, 0),
    seconds: Math.round((Date.now() - startedAt) / 1_000),
  };
  if (figures.told === 0) problems.push('nobody was told anything');
  return { problems: problems.slice(0, problemsShown), figures };

  async function balancesOf(portfolioId: string): Promise<Pick<Told, 'balances' | 'balancesNumber'>> {
    const stored = await readPortfolio(database, portfolioId);
    const balances: Told['balances'] = {};
    for (const [asset, { available, held }] of stored?.portfolio.balances ?? [])
      balances[asset] = [decimalText(available), decimalText(held)];
    return { balances, balancesNumber: stored?.portfolio.number ?? 0 };
  }
}

/** Users who have signed in, and a portfolio with money for each client. */
async function openFollowed(api: ApiProcess, writer: TradingWriter, clients: number): Promise<Followed[]> {
  const client = new SureClient(api.url);
  const followed: Followed[] = [];
  const count = Math.min(users, clients);
  for (let user = 0; user < count; user++) {
    const body = { email: `user${user}@sockets.invalid`, password };
    const { id } = (await client.ask('POST', '/v1/users', { body })).body as { id: string };
    const { token } = (await client.ask('POST', '/v1/sessions', { body })).body as NewSession;
    const share = Math.ceil((clients - user) / count);
    const ids = await openMarketOrders().openPortfolios(writer, share, id);
    followed.push(...ids.map((portfolioId) => ({ portfolioId, token })));
  }
  return followed;
}

/** Places and cancels orders on portfolios at random, at a steady pace. */
function startLoad(
  writer: TradingWriter,
  followed: readonly Followed[],
  { seed, commandsPerSecond }: SocketsOptions,
): { stop(): Promise<void> } {
  const market = openMarketOrders();
  const random = randomOf(seed);
  const open = new Map<string, string[]>();
  const stopping = new AbortController();
  const underWay = new Set<Promise<unknown>>();

  const command = async (): Promise<void> => {
    const portfolioId = followed[Math.floor(random() * followed.length)]?.portfolioId ?? '';
    const orders = open.get(portfolioId) ?? [];
    open.set(portfolioId, orders);
    const [oldest] = orders;
    if (oldest !== undefined && (orders.length > openMax || random() < 0.4)) {
      orders.shift();
      const at = { portfolioId, atUs: Date.now() * 1_000 };
      await writer.submit({ ...at, kind: 'cancel_order', orderId: oldest, reason: 'requested' });
    } else {
      const placement = market.placement(portfolioId);
      await writer.submit(placement);
      orders.push(placement.orderId);
    }
  };
  const running = (async () => {
    for (let due = 0; !stopping.signal.aborted; due += (commandsPerSecond * turnMs) / 1_000) {
      for (; due >= 1; due -= 1) {
        const one = command().finally(() => underWay.delete(one));
        underWay.add(one);
      }
      await sleep(turnMs);
    }
    await Promise.all(underWay);
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The numbers of events of orders, by portfolio. */
async function eventsOf({ database }: TestLake): Promise<Map<string, number[]>> {
  const { rows } = await database.query<{ portfolioId: string; numbers: number[] }>(
    `select portfolio_id as "portfolioId", array_agg(number::integer order by number) as numbers
     from trading.events where type like 'order\\_%' group by 1`,
  );
  return new Map(rows.map(({ portfolioId, numbers }) => [portfolioId, numbers]));
}

function wrongOf({ portfolioId, from, numbers, problems }: Told, events: readonly number[]): string[] {
  const expected = events.filter((number) => number > from);
  const found = problems.map((problem) => `${portfolioId}: ${problem}`);
  if (from < 0) return [...found, `${portfolioId}: no snapshot came`];
  if (isDeepStrictEqual(numbers, expected)) return found;
  const missing = expected.filter((number) => !numbers.includes(number));
  const more = numbers.length - new Set(numbers).size;
  return [
    ...found,
    `${portfolioId}: told ${numbers.length} of ${expected.length}, missing ${missing.slice(0, 5).join()}, ${more} repeated`,
  ];
}

function wrongBalances(told: Told, stored: Pick<Told, 'balances' | 'balancesNumber'>): string[] {
  const { portfolioId, balances, balancesNumber } = told;
  if (isDeepStrictEqual({ balances, balancesNumber }, stored)) return [];
  return [
    `${portfolioId}: balances ${JSON.stringify({ balances, balancesNumber })}, are ${JSON.stringify(stored)}`,
  ];
}
