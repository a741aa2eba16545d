import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NewSession } from '#api/schemas/identity.ts';
import type { NewOrder, Order } from '#api/schemas/orders.ts';
import type { PortfolioSummary } from '#api/schemas/portfolios.ts';
import { randomOf } from './random.ts';
import { SureClient, type Answered } from './sure-client.ts';
import { priceAt, quantityOf, type TradedMarket } from './traded-market.ts';

/** A request with a key, and its first answer. */
export interface Acknowledged {
  method: 'POST' | 'DELETE';
  path: string;
  key: string;
  body?: NewOrder;
  account: Account;
  answer: Answered;
}

/** A placement that was refused, and so must not be. */
export interface Refused {
  status: number;
  clientOrderId: string;
  /** Undefined where the key stands for another request. */
  key?: string;
}

/** A portfolio, and who trades with it. */
export interface Account {
  token: string;
  portfolioId: string;
}

export interface OrderLoad {
  readonly accounts: readonly Account[];
  /** Orders by their ids, those that were rejected too. */
  readonly orders: ReadonlyMap<string, Order>;
  /** Cancels that were answered by 200, and those that were refused as the order was over. */
  readonly canceled: ReadonlySet<string>;
  readonly notCanceled: ReadonlySet<string>;
  readonly refused: readonly Refused[];
  /** Answers that no client should have had. */
  readonly surprises: readonly string[];
  /** Requests that were sent, and those of them that asked again. */
  sent(): { sent: number; again: number };
  /** Places an order that is filled at the next price. */
  placeMarketOrder(): Promise<Order>;
  look(orderId: string): Promise<Order>;
  /** Ends when what is under way is known. */
  stop(): Promise<void>;
  /** Asks all again that was acknowledged; what was answered otherwise. */
  askAllAgain(): Promise<string[]>;
  reconcile(): Promise<string[]>;
}

export interface OrderLoadOptions {
  url: string;
  seed: number;
  markets: readonly TradedMarket[];
  users: number;
  portfoliosEach: number;
  workersEach: number;
}

const password = 'correct horse battery staple';
const pauseMs = 150;
const openMax = 12;
/** All events of a portfolio are read for it. */
const reconcileMs = 60_000;
const againAtOnce = 16;
/** An outage of some seconds is minutes at the speed of the venue; and what is bought and sold at random grows and loses. */
const limits = {
  staleAfterMs: 24 * 3_600_000,
  positionNotionalMax: '10000000000',
  dailyLossMax: '1000000000',
};
const money = { quote: '100000000', base: '10000' };

/** Signs users up, gives them portfolios and money, and lets several workers trade with each of these at once. */
export async function startOrderLoad(options: OrderLoadOptions): Promise<OrderLoad> {
  const { url, seed, markets } = options;
  const client = new SureClient(url);
  const accounts: Account[] = [];
  const orders = new Map<string, Order>();
  const acknowledged: Acknowledged[] = [];
  const canceled = new Set<string>();
  const notCanceled = new Set<string>();
  const refused: Refused[] = [];
  const surprises: string[] = [];
  const stopping = new AbortController();
  for (let user = 0; user < options.users; user++) {
    const token = await signUp(client, `user${user}@load.invalid`);
    for (let of = 0; of < options.portfoliosEach; of++)
      accounts.push({ token, portfolioId: await openAccount(client, token, markets) });
  }
  const workers = accounts.flatMap((account, index) =>
    Array.from({ length: options.workersEach }, (_, worker) =>
      work(account, randomOf(seed + index * 100 + worker)).catch((error: unknown) => {
        surprises.push(error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error));
      }),
    ),
  );
  const [first] = accounts;
  if (first === undefined) throw new Error('a load needs an account');

  return {
    ...{ accounts, orders, canceled, notCanceled, refused, surprises },
    sent: () => ({ sent: client.sent, again: client.again }),
    async placeMarketOrder() {
      const [market] = markets;
      if (market === undefined) throw new Error('a load needs a market');
      const quantity = quantityOf(market, 1);
      return await place(first, { symbol: market.symbol, side: 'buy', type: 'market', quantity });
    },
    async look(orderId) {
      return (await client.ask('GET', `/v1/orders/${orderId}`, { token: first.token })).body as Order;
    },
    async stop() {
      stopping.abort();
      await Promise.all(workers);
    },
    async askAllAgain() {
      const unlike: string[] = [];
      const waiting = acknowledged.values();
      const ask = async (): Promise<void> => {
        for (const { method, path, key, body, account, answer } of waiting) {
          const same = { token: account.token, key, ...(body === undefined ? {} : { body }) };
          const now = await client.ask(method, path, same);
          if (!isDeepStrictEqual(now, answer))
            unlike.push(`${method} ${path} ${key}: ${JSON.stringify(answer)}, now ${JSON.stringify(now)}`);
        }
      };
      await Promise.all(Array.from({ length: againAtOnce }, ask));
      return unlike;
    },
    async reconcile() {
      const wrong: string[] = [];
      for (const { portfolioId, token } of accounts) {
        const path = `/v1/reconciliation?portfolioId=${portfolioId}`;
        const { body } = await client.ask('GET', path, { token, answerMs: reconcileMs });
        if ((body as { isRight?: boolean }).isRight !== true) wrong.push(JSON.stringify(body));
      }
      return wrong;
    },
  };

  async function work(account: Account, random: () => number): Promise<void> {
    const open: string[] = [];
    while (!stopping.signal.aborted) {
      const [oldest] = open;
      const dice = random();
      if (oldest !== undefined && (dice < 0.2 || open.length > openMax)) {
        open.shift();
        await cancel(account, oldest);
      } else if (dice < 0.28) {
        await placeWrongly(account, random);
      } else {
        const order = await place(account, await someOrder(random), random() < 0.1);
        if (order.status === 'open' || order.status === 'pending') open.push(order.id);
      }
      await sleep(pauseMs * 2 * random());
    }
  }

  async function someOrder(random: () => number): Promise<Omit<NewOrder, 'portfolioId'>> {
    const market = oneOf(markets, random);
    const last = await market.lastPrice();
    const side = random() < 0.5 ? 'buy' : 'sell';
    /** Away from where it would take, or past it where the share is negative. */
    const away = (share: number): string => priceAt(market, last, side === 'buy' ? -share : share);
    const of = {
      ...({ symbol: market.symbol, side } as const),
      quantity: quantityOf(market, random() * 4),
      ...(random() < 0.5 ? { clientOrderId: randomUUID() } : {}),
    };
    const dice = random();
    if (dice < 0.2) return { ...of, type: 'market' };
    if (dice < 0.35) return { ...of, type: 'stop_loss', stopPrice: away(-0.0004 * random()) };
    if (dice < 0.45)
      return { ...of, type: 'stop_limit', stopPrice: away(-0.0004 * random()), price: away(-0.0002) };
    if (dice < 0.5) return { ...of, type: 'limit', price: away(0.0005), quantity: '90000000000' };
    const share = 0.0006 * (random() - 0.15);
    const terms = oneOf(
      [{}, {}, {}, { postOnly: true }, { timeInForce: 'IOC' }, { timeInForce: 'FOK' }] as const,
      random,
    );
    return { ...of, type: 'limit', price: away(share), ...terms };
  }

  /** With `twice`, the same is asked on two connections at once. */
  async function place(
    account: Account,
    asked: Omit<NewOrder, 'portfolioId'>,
    twice = false,
  ): Promise<Order> {
    const { token, portfolioId } = account;
    const [key, path, body] = [randomUUID(), '/v1/orders', { portfolioId, ...asked }];
    const ask = (): Promise<Answered> => client.ask('POST', path, { token, key, body });
    const [answer, other] = twice ? await Promise.all([ask(), ask()]) : [await ask()];
    if (answer.status !== 201) throw new Error(`an order was answered by ${JSON.stringify(answer)}`);
    if (other !== undefined && !isDeepStrictEqual(answer, other))
      surprises.push(`one key, two answers: ${JSON.stringify([answer, other])}`);
    const order = answer.body as Order;
    orders.set(order.id, order);
    acknowledged.push({ method: 'POST', path, key, body, account, answer });
    return order;
  }

  async function cancel(account: Account, orderId: string): Promise<void> {
    const [key, path] = [randomUUID(), `/v1/orders/${orderId}`];
    const answer = await client.ask('DELETE', path, { token: account.token, key });
    if (answer.status === 200) {
      canceled.add(orderId);
      acknowledged.push({ method: 'DELETE', path, key, account, answer });
    } else if (answer.status === 409 && codeOf(answer) === 'ORDER_OVER') notCanceled.add(orderId);
    else surprises.push(`a cancel was answered by ${JSON.stringify(answer)}`);
  }

  /** What must be refused: a bad quantity, another user's portfolio, nobody, a key that stands for something else. */
  async function placeWrongly({ token, portfolioId }: Account, random: () => number): Promise<void> {
    const clientOrderId = randomUUID();
    const key = randomUUID();
    const right = { portfolioId, ...(await someOrder(random)), clientOrderId };
    const others = accounts.find((account) => account.token !== token)?.portfolioId ?? randomUUID();
    const used = acknowledged.find((of) => of.method === 'POST' && of.account.portfolioId === portfolioId);
    const wrong = oneOf(
      [
        { status: 400, asked: { token, key, body: { ...right, quantity: '0' } } },
        { status: 404, asked: { token, key, body: { ...right, portfolioId: others } } },
        { status: 401, asked: { key, body: right } },
        ...(used === undefined ? [] : [{ status: 409, asked: { token, key: used.key, body: right } }]),
      ],
      random,
    );
    const { status } = await client.ask('POST', '/v1/orders', wrong.asked);
    if (status !== wrong.status) surprises.push(`answered by ${status} instead of ${wrong.status}`);
    refused.push({ status, clientOrderId, ...(status === 409 ? {} : { key }) });
  }
}

async function signUp(client: SureClient, email: string): Promise<string> {
  const body = { email, password };
  await client.ask('POST', '/v1/users', { body });
  return ((await client.ask('POST', '/v1/sessions', { body })).body as NewSession).token;
}

async function openAccount(
  client: SureClient,
  token: string,
  markets: readonly TradedMarket[],
): Promise<string> {
  const body = { name: 'Load', limits };
  const { id } = (await client.ask('POST', '/v1/portfolios', { token, body })).body as PortfolioSummary;
  const amounts = new Map(
    markets.flatMap(({ base, quote }) => [[quote, money.quote] as const, [base, money.base] as const]),
  );
  for (const [asset, amount] of amounts) {
    const { status } = await client.ask('POST', `/v1/portfolios/${id}/deposits`, {
      ...{ token, key: randomUUID() },
      body: { asset, amount },
    });
    if (status !== 201) throw new Error(`a deposit was answered by ${status}`);
  }
  return id;
}

function codeOf({ body }: Answered): unknown {
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}

function oneOf<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
}
