import { createHash } from 'node:crypto';
import type { NewSession } from '#api/schemas/identity.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { PortfolioSummary } from '#api/schemas/portfolios.ts';
import {
  add,
  decimalText,
  multiply,
  one,
  parseDecimal,
  subtract,
  units,
  zero,
} from '#core/market/decimal.ts';
import type { Decimal } from '#core/market/decimal.ts';
import { apply, emptyPortfolio } from '#core/trading/apply.ts';
import { parseEvent } from '#core/trading/codec.ts';
import { paperFees } from '#core/trading/fees.ts';
import type { OrderRequest } from '#core/trading/order.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import { storedEvents } from '#core/trading/replay.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { randomOf } from './random.ts';
import { SureClient, type Answered } from './sure-client.ts';
import { openTradingRoles, symbol, type ApiProcess, type TradingRoles } from './trading-roles.ts';

export interface RacingOrdersOptions {
  orders: number;
  seed: number;
  say?: (line: string) => void;
}

export interface RacingOrdersResult {
  /** What must not be; empty when the proof holds. */
  problems: string[];
  figures: {
    orders: number;
    accepted: number;
    rejected: number;
    canceled: number;
    /** Asked on both APIs at once with one key. */
    twice: number;
    /** Requests that asked again, as no answer had come. */
    askedAgain: number;
    /** Answered requests in a second, while they raced. */
    perSecond: number;
    /** The least that was left of the balance after any event. */
    availableLeast: string;
  };
}

/** What an order's key was answered. */
interface Race {
  /** Of the answer, so that many can be remembered. */
  digest: string;
  id: string;
  isAccepted: boolean;
  canceledBy?: string;
}

/** So many orders the balance is enough for at a time. */
const affordable = 60;
const connections = 48;
const twiceEvery = 10;
/** Of a connection; what is beyond is cancelled. */
const openMax = 2;
const cancelShare = 0.1;
const quantity = '0.001';
const limitPrice = '59000';
const limits = {
  ...{ openOrdersMax: 1_000_000_000, ordersPerMinuteMax: 1_000_000_000, staleAfterMs: 1_000_000_000 },
  ...{ positionNotionalMax: '10000000000', dailyLossMax: '1000000000' },
};
const sayEvery = 5_000;
const problemsShown = 20;

/**
 * Orders that race for one balance through two API processes, which is enough for few of them at a time; what is accepted is
 * mostly cancelled by the other API, so that the rest may hope. One API is killed half-way and started again.
 */
export async function racingOrdersRun(options: RacingOrdersOptions): Promise<RacingOrdersResult> {
  const roles = await openTradingRoles();
  try {
    await roles.trade('60000.00');
    const apis = await Promise.all([roles.startApi(), roles.startApi()]);
    return await race(roles, apis, options);
  } finally {
    await roles.close();
  }
}

async function race(
  { lake }: TradingRoles,
  apis: readonly [ApiProcess, ApiProcess],
  { orders, seed, say }: RacingOrdersOptions,
): Promise<RacingOrdersResult> {
  const urls = [apis[0].url, apis[1].url] as const;
  const clients = [new SureClient(...urls), new SureClient(urls[1], urls[0])] as const;
  const [client] = clients;
  const credentials = { email: 'racer@example.com', password: 'correct horse battery staple' };
  await client.ask('POST', '/v1/users', { body: credentials });
  const { token } = (await client.ask('POST', '/v1/sessions', { body: credentials })).body as NewSession;
  const opening = { token, key: 'open', body: { name: 'Raced', limits } };
  const { id: portfolioId } = (await client.ask('POST', '/v1/portfolios', opening)).body as PortfolioSummary;
  const hold = holdOf({ quantity: parseDecimal(quantity), price: parseDecimal(limitPrice) });
  // Nearly enough for one more.
  const money = units(hold * BigInt(affordable) + hold - 1n);
  const deposit = { token, key: 'deposit', body: { asset: 'USDT', amount: decimalText(money) } };
  await client.ask('POST', `/v1/portfolios/${portfolioId}/deposits`, deposit);

  const problems: string[] = [];
  const races: Race[] = [];
  const random = randomOf(seed);
  let next = 0;
  let twice = 0;
  let restart: Promise<void> | undefined;
  const startedAt = Date.now();
  await Promise.all(Array.from({ length: connections }, (_, index) => work(index % 2)));
  const seconds = (Date.now() - startedAt) / 1_000;
  await restart;
  const askedAgain = clients.reduce((sum, { again }) => sum + again, 0);
  say?.(`${orders} orders in ${Math.round(seconds)} s; each is asked again`);
  await askAllAgain();

  const accepted = races.filter(({ isAccepted }) => isAccepted).length;
  const canceled = races.filter(({ canceledBy }) => canceledBy !== undefined).length;
  const stored = await audit(lake, portfolioId, races);
  const open = accepted - canceled;
  if (stored.open !== open) problems.push(`${stored.open} orders are open, ${open} were acknowledged`);
  const held = units(hold * BigInt(open));
  if (stored.held !== decimalText(held) || stored.available !== decimalText(subtract(money, held)))
    problems.push(`${stored.available} are available and ${stored.held} held, with ${open} open orders`);
  if (races.length !== orders) problems.push(`${races.length} of ${orders} orders were answered`);
  if (canceled === 0 || accepted <= affordable || accepted === orders) problems.push('nothing was raced for');
  return {
    problems: [...problems, ...stored.problems].slice(0, problemsShown),
    figures: {
      ...{ orders, accepted, rejected: orders - accepted, canceled, twice, askedAgain },
      perSecond: Math.round((orders + twice + canceled) / seconds),
      availableLeast: stored.availableLeast,
    },
  };

  async function work(side: number): Promise<void> {
    const open: { at: number; raced: Race }[] = [];
    for (let at = next++; at < orders; at = next++) {
      if (at === Math.floor(orders / 2)) restart = killAndStart(apis[1]);
      if (at > 0 && at % sayEvery === 0)
        say?.(`${at} orders, ${Math.round((Date.now() - startedAt) / 1_000)} s`);
      const answers = await Promise.all(
        at % twiceEvery === 0 ? [place(at, side), place(at, 1 - side)] : [place(at, side)],
      );
      const [{ status, body }, other] = answers as [Answered, Answered?];
      if (other !== undefined) {
        twice += 1;
        if (digestOf(other.body) !== digestOf(body)) problems.push(`order ${at} has two answers`);
      }
      if (status !== 201) {
        problems.push(`order ${at} was answered by ${status} ${JSON.stringify(body)}`);
        continue;
      }
      const order = body as Order;
      const raced: Race = { digest: digestOf(body), id: order.id, isAccepted: order.status === 'open' };
      races[at] = raced;
      if (!raced.isAccepted && order.rejectCode !== 'INSUFFICIENT_BALANCE')
        problems.push(`order ${at} was rejected by ${order.rejectCode}`);
      if (raced.isAccepted) open.push({ at, raced });
      if (open.length > openMax || random() < cancelShare) await cancelOldest(open, 1 - side);
    }
  }

  async function cancelOldest(open: { at: number; raced: Race }[], side: number): Promise<void> {
    const oldest = open.shift();
    if (oldest === undefined) return;
    const { status, body } = await cancel(oldest.at, oldest.raced.id, side);
    if (status === 200) oldest.raced.canceledBy = digestOf(body);
    else problems.push(`the cancel of order ${oldest.at} was answered by ${status}`);
  }

  async function askAllAgain(): Promise<void> {
    const waiting = races.entries();
    const ask = async (side: number): Promise<void> => {
      for (const [at, { digest, id, canceledBy }] of waiting) {
        const { status, body } = await place(at, side);
        if (status !== 201 || digestOf(body) !== digest)
          problems.push(`order ${at} is answered otherwise later`);
        if (canceledBy === undefined) continue;
        const again = await cancel(at, id, side);
        if (digestOf(again.body) !== canceledBy)
          problems.push(`the cancel of ${at} is answered otherwise later`);
      }
    };
    await Promise.all(Array.from({ length: connections }, (_, index) => ask(index % 2)));
  }

  function place(at: number, side: number): Promise<Answered> {
    const order = { symbol, side: 'buy', type: 'limit', quantity, price: limitPrice };
    return sideOf(side).ask('POST', '/v1/orders', {
      token,
      key: `order/${at}`,
      body: { portfolioId, ...order },
    });
  }

  function cancel(at: number, orderId: string, side: number): Promise<Answered> {
    return sideOf(side).ask('DELETE', `/v1/orders/${orderId}`, { token, key: `cancel/${at}` });
  }

  function sideOf(side: number): SureClient {
    return side === 0 ? clients[0] : clients[1];
  }

  async function killAndStart(api: ApiProcess): Promise<void> {
    await api.kill();
    say?.('one API was killed');
    await api.start();
    say?.('it is there again');
  }
}

interface Stored {
  problems: string[];
  open: number;
  available: string;
  held: string;
  availableLeast: string;
}

/** What is stored, by its events from the first one on, beside what was answered. */
async function audit({ database }: TestLake, portfolioId: string, races: readonly Race[]): Promise<Stored> {
  const problems: string[] = [];
  const acknowledged = new Map(races.map(({ id, isAccepted }) => [id, isAccepted]));
  if (acknowledged.size !== races.length) problems.push('one order was the answer to two keys');
  let portfolio = emptyPortfolio(portfolioId);
  let least: Decimal | undefined;
  let placements = 0;
  for await (const { text } of storedEvents(database, portfolioId)) {
    const { event } = parseEvent(text);
    const before = portfolio.balances.get('USDT');
    portfolio = apply(portfolio, event);
    if (event.type !== 'order_accepted' && event.type !== 'order_rejected') continue;
    placements += 1;
    const available = portfolio.balances.get('USDT')?.available ?? zero;
    if (least === undefined || available < least) least = available;
    const isAccepted = event.type === 'order_accepted';
    const id = isAccepted ? event.order.id : event.orderId;
    if (acknowledged.get(id) !== isAccepted) problems.push(`event ${event.number} was answered otherwise`);
    const isEnough = (before?.available ?? zero) >= holdOf(isAccepted ? event.order : event.request);
    if (isEnough !== isAccepted) problems.push(`event ${event.number} decides wrongly on what was available`);
  }
  if (placements !== races.length)
    problems.push(`${placements} placements are stored, ${races.length} answered`);
  const { differences, chain } = await reconcile(database, portfolioId);
  problems.push(...differences.map((difference) => JSON.stringify(difference)));
  if (chain.fault !== undefined) problems.push(`event ${chain.fault.number}: ${chain.fault.detail}`);
  const { rows } = await database.query<{ orders: number; negative: number }>(
    `select (select count(*)::integer from trading.orders where portfolio_id = $1) as orders,
            (select count(*)::integer from trading.balances where available < 0 or held < 0) as negative`,
    [portfolioId],
  );
  const [{ orders, negative } = { orders: 0, negative: 1 }] = rows;
  if (orders !== races.length) problems.push(`${orders} orders are stored, ${races.length} answered`);
  if (negative > 0) problems.push(`${negative} balances are negative`);
  const balance = portfolio.balances.get('USDT') ?? { available: zero, held: zero };
  return {
    ...{ problems, open: portfolio.orders.size },
    ...{ available: decimalText(balance.available), held: decimalText(balance.held) },
    availableLeast: decimalText(least ?? zero),
  };
}

/** What a purchase reserves: its worth at its limit, and the fee of that. */
function holdOf({ quantity: of, price = zero }: Pick<OrderRequest, 'quantity' | 'price'>): Decimal {
  return multiply(multiply(of, price, 'up'), add(one, paperFees.taker), 'up');
}

function digestOf(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('base64url');
}
