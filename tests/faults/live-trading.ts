import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#core/platform/errors.ts';
import { openAccounts, type Accounts } from './live-trading/accounts.ts';
import { openLiveExchange, type LiveExchange } from './live-trading/exchange.ts';
import { startLiveLoad, type LiveLoad } from './live-trading/load.ts';
import { openMarkets } from './live-trading/markets.ts';
import { countsOf, showPortfolio } from './live-trading/portfolio.ts';
import type { Remains } from './live-trading/problems.ts';
import { startRival, type Rival } from './live-trading/rival.ts';
import { plantStrangers } from './live-trading/strangers.ts';
import { startOrderLoad, type OrderLoad } from './order-load.ts';
import { randomOf } from './random.ts';
import type { TradedMarket } from './traded-market.ts';
import { startUp, type UpProcess } from './up-process.ts';

export { problemsOf } from './live-trading/problems.ts';

const victims = ['api', 'trader', 'traders', 'paused', 'postgres', 'exchange'] as const;
type Victim = (typeof victims)[number];

export interface LiveTradingResult extends Remains {
  figures: {
    /** Orders of the live portfolio, by how they ended. */
    orders: Record<string, number>;
    /** Of those that were rejected here or refused by the exchange, by the reason. */
    refusals: Record<string, number>;
    fills: number;
    /** Cancels that were asked for, and times that the kill switch and the dead-man's switch cancelled all. */
    canceled: number;
    switches: number;
    paperFills: number;
  };
  kills: Record<Victim, number>;
  /** For each victim, the longest time until a live order was filled again, in milliseconds. */
  slowestMs: Record<Victim, number>;
  /** The seed, and a line for each kill. */
  story: string[];
}

export interface LiveTradingOptions {
  kills: number;
  seed: number;
  say?: (line: string) => void;
}

/** Of the tape, not of what befalls who trades on it. */
const tapeSeed = 42;
const onTheWayMsMax = 1_000;
const awayMsMax = 7_000;

/**
 * Runs `ticklake up` with a live and a paper portfolio under a load of orders over REST, at an exchange that loses answers
 * and gets out of reach; kills the API, one or both of two traders, Postgres and the exchange's feed with SIGKILL at random
 * instants, or stops a trader for a while; and tells, once all is at rest, what the exchange and the portfolios hold to be true.
 */
export async function liveTradingRun(options: LiveTradingOptions): Promise<LiveTradingResult> {
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.unshift(part);
    return part;
  };
  try {
    const exchange = keep(await openLiveExchange(tapeSeed));
    const env = { ...exchange.env, ...unlimited };
    const up = keep(await startUp({ speed: 1, env }));
    const rival = keep(startRival(up.dataDir, env));
    return await runUnder({ up, rival, exchange }, options);
  } finally {
    for (const part of opened) await part.close();
  }
}

/** What there is to be killed. */
interface Ground {
  up: UpProcess;
  rival: Rival;
  exchange: LiveExchange;
}

const unlimited = { TICKLAKE_SIMULATOR_SEED: String(tapeSeed), TICKLAKE_API_USER_WEIGHT: '1000000' };

async function runUnder(
  ground: Ground,
  { kills, seed, say = () => undefined }: LiveTradingOptions,
): Promise<LiveTradingResult> {
  const { up, exchange } = ground;
  const random = randomOf(seed);
  const story = [`seed ${seed}`];
  const killed: Record<Victim, number> = {
    api: 0,
    trader: 0,
    traders: 0,
    paused: 0,
    postgres: 0,
    exchange: 0,
  };
  const slowestMs = { ...killed };
  const markets = await openMarkets(up);
  const accounts = await openAccounts(up, exchange.given);
  const { client, live } = accounts;
  const load = startLiveLoad({ client, trader: live, markets, seed, hands: 4 });
  const url = `http://127.0.0.1:${up.apiPort}`;
  const paperLoad = await startOrderLoad({ url, seed, markets, users: 1, portfoliosEach: 1, workersEach: 1 });
  let switches = 0;
  await isFilled(up, load);
  await exchange.trouble();
  for (const [kill, victim] of chosen(kills, random).entries()) {
    await sleep(100 + random() * 1_200);
    const switched = await throwSwitch(accounts, load, random());
    if (switched !== 'none') switches += 1;
    const trades = async (): Promise<boolean> => {
      if (switched === 'kill switch') await accounts.setRisk('active');
      return await isFilled(up, load);
    };
    const startedAt = Date.now();
    await strike(ground, victim, random, trades);
    killed[victim] += 1;
    // Something differs from the exchange: what it is, is seen at the end.
    if (!(await trades())) break;
    const tookMs = Date.now() - startedAt;
    slowestMs[victim] = Math.max(slowestMs[victim], tookMs);
    const line = `kill ${kill + 1} of ${kills}: ${victim}, ${switched}, a live order is filled after ${tookMs} ms`;
    story.push(line);
    say(line);
  }
  const surprises = await comeToRest(ground, accounts, load, paperLoad);
  const remains = await whatRemains(ground, accounts, load, paperLoad, markets);
  const { books, refusals } = remains.live;
  return {
    ...{ ...remains, surprises },
    ...{ kills: killed, slowestMs, story },
    figures: {
      orders: countsOf(books.orders.map(({ status }) => status)),
      ...{ refusals, fills: books.fills.length },
      ...{ canceled: load.canceled(), switches, paperFills: remains.paper.books.fills.length },
    },
  };
}

/** All is at rest: what everybody holds to be true, and what is said of strangers' orders that come then. */
async function whatRemains(
  { up, exchange }: Ground,
  accounts: Accounts,
  load: LiveLoad,
  { accounts: [paperAccount] }: OrderLoad,
  markets: readonly TradedMarket[],
): Promise<Omit<Remains, 'surprises'>> {
  const { client } = accounts;
  if (paperAccount === undefined) throw new Error('there is no paper portfolio');
  const books = await exchange.books();
  const live = await showPortfolio(client, accounts.live);
  const paper = await showPortfolio(client, paperAccount);
  const planted = await plantStrangers(up, exchange, accounts, markets);
  const verified = await up.run(['--json', 'audit', 'verify'], { reject: false });
  return {
    ...{ exchange: books, live, paper, acknowledged: new Set(load.placements.keys()) },
    ...planted,
    chains: JSON.parse(verified) as Remains['chains'],
  };
}

type Switch = 'kill switch' | "dead-man's switch" | 'cancel all' | 'none';

/** Now and then all orders are cancelled, in one of three ways, just before something is killed. */
async function throwSwitch(accounts: Accounts, load: LiveLoad, dice: number): Promise<Switch> {
  if (dice < 0.2) {
    await accounts.setRisk('halted', { cancelOrders: true });
    await load.placeInVain('HALTED');
    return 'kill switch';
  }
  if (dice < 0.35) {
    await accounts.cancelAfter(1);
    return "dead-man's switch";
  }
  if (dice > 0.5) return 'none';
  await accounts.cancelAll();
  return 'cancel all';
}

/**
 * Kills it, and waits until it runs again; often with orders on the way to an exchange that is out of reach for a while, as it
 * always is when its feed is killed. A trader that is paused goes on where it was once `trades` says that the other one has
 * taken over.
 */
async function strike(
  { up, rival, exchange: { road } }: Ground,
  victim: Victim,
  random: () => number,
  trades: () => Promise<boolean>,
): Promise<void> {
  const pidOf = async (name: string): Promise<number> =>
    name === 'rival' ? rival.pid() : await up.pidOf(name);
  if (victim === 'paused') {
    const pid = await pidOf(random() < 0.5 ? 'trader' : 'rival');
    process.kill(pid, 'SIGSTOP');
    await trades().finally(() => process.kill(pid, 'SIGCONT'));
    return;
  }
  const names = victim === 'traders' ? ['trader', 'rival'] : [victim];
  const isAway = victim === 'exchange' || random() < 0.5;
  if (isAway) {
    road[random() < 0.5 ? 'cut' : 'hold']();
    await sleep(onTheWayMsMax * random());
  }
  const pids = await Promise.all(names.map(pidOf));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  if (isAway) await sleep(awayMsMax * random() ** 2);
  road.open();
  for (const [index, name] of names.entries())
    await up.until(`${name} to run again`, async () => (await pidOf(name)) !== pids[index]);
}

/** Whom to kill: each equally often in a long run, in any order. */
function chosen(kills: number, random: () => number): Victim[] {
  const rounds = Array.from({ length: Math.ceil(kills / victims.length) }, () => {
    const left = [...victims];
    return victims.flatMap(() => left.splice(Math.floor(random() * left.length), 1));
  });
  return rounds.flat().slice(0, kills);
}

/** Waits until a live market order of its own is filled, placing another where one was not; false where the portfolio is halted. */
async function isFilled(up: UpProcess, load: LiveLoad): Promise<boolean> {
  let id: string | undefined;
  let isHalted = false;
  await up.until('a live order that is filled', async () => {
    id ??= (await load.placeMarketOrder()).id;
    const { status, rejectCode } = await load.look(id);
    if (status === 'rejected' || status === 'expired' || status === 'canceled') id = undefined;
    isHalted = rejectCode === 'HALTED';
    return isHalted || status === 'filled';
  });
  return !isHalted;
}

/** Ends when no live order is open any more, here and at the exchange; what was not as it should be on the way. */
async function comeToRest(
  { up, exchange }: Ground,
  accounts: Accounts,
  load: LiveLoad,
  paper: OrderLoad,
): Promise<string[]> {
  await Promise.all([load.stop(), paper.stop()]);
  await exchange.mend();
  await accounts.cancelAll();
  const surprises = [...load.surprises, ...paper.surprises];
  await up
    .until('the live orders to end', async () => (await accounts.openOrders()).length === 0)
    .catch((error: unknown) => surprises.push(messageOf(error)));
  return [
    ...surprises,
    ...(await load.askAllAgain()),
    ...(await paper.askAllAgain()),
    ...(await paper.reconcile()),
  ];
}
