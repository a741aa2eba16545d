import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NewOrder, Order } from '#api/schemas/orders.ts';
import { randomOf } from '../random.ts';
import type { Answered, SureClient } from '../sure-client.ts';
import { priceAt, quantityOf, type TradedMarket } from '../traded-market.ts';

/** A portfolio, and who trades with it. */
export interface Trader {
  token: string;
  portfolioId: string;
}

/** A placement, and its first answer. */
interface Placement {
  key: string;
  body: NewOrder;
  answer: Answered;
}

/** Orders of all types that several hands place and cancel at once. */
export interface LiveLoad {
  /** Placements that were answered, by the id of the order. */
  readonly placements: ReadonlyMap<string, Placement>;
  /** Cancels that were answered as done or begun. */
  canceled(): number;
  /** Answers that no client should have had. */
  readonly surprises: readonly string[];
  /** Places an order that is filled at the price that there is. */
  placeMarketOrder(): Promise<Order>;
  /** Places an order that must be rejected, for this reason. */
  placeInVain(rejectCode: string): Promise<void>;
  look(orderId: string): Promise<Order>;
  /** Ends when what is under way is known. */
  stop(): Promise<void>;
  /** Asks all placements again, by their keys; what is answered otherwise. */
  askAllAgain(): Promise<string[]>;
}

export interface LiveLoadOptions {
  client: SureClient;
  trader: Trader;
  markets: readonly TradedMarket[];
  seed: number;
  hands: number;
}

/** Below the orders that the exchange takes of an account in ten seconds. */
const pauseMs = 300;
const openMax = 8;

export function startLiveLoad({ client, trader, markets, seed, hands }: LiveLoadOptions): LiveLoad {
  const { token, portfolioId } = trader;
  const placements = new Map<string, Placement>();
  let canceled = 0;
  const surprises: string[] = [];
  const stopping = new AbortController();
  const working = Array.from({ length: hands }, (_, hand) =>
    work(randomOf(seed + hand)).catch((error: unknown) => {
      surprises.push(error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error));
    }),
  );

  return {
    ...{ placements, surprises },
    canceled: () => canceled,
    placeMarketOrder,
    async placeInVain(rejectCode) {
      const order = await placeMarketOrder();
      if (order.rejectCode !== rejectCode)
        surprises.push(`not rejected by ${rejectCode}: ${JSON.stringify(order)}`);
    },
    async look(orderId) {
      return (await client.ask('GET', `/v1/orders/${orderId}`, { token })).body as Order;
    },
    async stop() {
      stopping.abort();
      await Promise.all(working);
    },
    async askAllAgain() {
      const unlike: string[] = [];
      for (const { key, body, answer } of placements.values()) {
        const now = await client.ask('POST', '/v1/orders', { token, key, body });
        if (!isDeepStrictEqual(now, answer))
          unlike.push(`${key}: ${JSON.stringify(answer)}, now ${JSON.stringify(now)}`);
      }
      return unlike;
    },
  };

  async function placeMarketOrder(): Promise<Order> {
    const market = oneOf(markets, () => 0);
    const quantity = quantityOf(market, 1);
    return await place({ symbol: market.symbol, side: 'buy', type: 'market', quantity }, false);
  }

  async function work(random: () => number): Promise<void> {
    const open: string[] = [];
    while (!stopping.signal.aborted) {
      const [oldest] = open;
      const dice = random();
      if (oldest !== undefined && (dice < 0.25 || open.length > openMax)) {
        open.shift();
        await cancel(oldest);
      } else if (oldest !== undefined && dice < 0.3) {
        await amendInVain(oldest);
      } else {
        const order = await place(await someOrder(random), random() < 0.15);
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
      quantity: quantityOf(market, 1 + random() * 4),
      ...(random() < 0.5 ? { clientOrderId: randomUUID() } : {}),
    };
    const dice = random();
    if (dice < 0.25) return { ...of, type: 'market' };
    if (dice < 0.35) return { ...of, type: 'stop_loss', stopPrice: away(-0.0004 * random()) };
    if (dice < 0.45)
      return { ...of, type: 'stop_limit', stopPrice: away(-0.0004 * random()), price: away(-0.0006) };
    const terms = oneOf(
      [{}, {}, {}, { postOnly: true }, { timeInForce: 'IOC' }, { timeInForce: 'FOK' }] as const,
      random,
    );
    return { ...of, type: 'limit', price: away(0.0006 * (random() - 0.3)), ...terms };
  }

  /** With `twice`, the same is asked on two connections at once. */
  async function place(asked: Omit<NewOrder, 'portfolioId'>, twice: boolean): Promise<Order> {
    const [key, body] = [randomUUID(), { portfolioId, ...asked }];
    const ask = (): Promise<Answered> => client.ask('POST', '/v1/orders', { token, key, body });
    const [answer, other] = twice ? await Promise.all([ask(), ask()]) : [await ask()];
    if (answer.status !== 201) throw new Error(`an order was answered by ${JSON.stringify(answer)}`);
    if (other !== undefined && !isDeepStrictEqual(answer, other))
      surprises.push(`one key, two answers: ${JSON.stringify([answer, other])}`);
    const order = answer.body as Order;
    placements.set(order.id, { key, body, answer });
    return order;
  }

  async function cancel(orderId: string): Promise<void> {
    const answer = await client.ask('DELETE', `/v1/orders/${orderId}`, { token, key: randomUUID() });
    if (answer.status === 200) canceled += 1;
    else if (!isOver(answer)) surprises.push(`a cancel was answered by ${JSON.stringify(answer)}`);
  }

  /** What rests at the exchange is not amended: that is refused, and the order stands. */
  async function amendInVain(orderId: string): Promise<void> {
    const body = { quantity: '1' };
    const answer = await client.ask('PATCH', `/v1/orders/${orderId}`, { token, key: randomUUID(), body });
    if (answer.status !== 400 && !isOver(answer))
      surprises.push(`an amendment was answered by ${JSON.stringify(answer)}`);
  }
}

function isOver({ status, body }: Answered): boolean {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
  return status === 409 && code === 'ORDER_OVER';
}

function oneOf<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
}
