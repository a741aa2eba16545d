import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { time } from '#core/exchanges/binance/answers.ts';
import { createHttpClient, type Endpoint, type Query } from '#core/exchanges/binance/http.ts';
import { integerTimeUs } from '#core/exchanges/binance/values.ts';
import type {
  MeantOrder,
  OrderAnswer,
  OrderKey,
  OrderVenue,
  VenueOrder,
} from '#core/exchanges/order-venue.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import * as answers from './answers.ts';
import { askUntilKnown } from './ask.ts';
import { cancelUntilKnown } from './cancel.ts';
import { VenueLimits } from './limits.ts';
import { orderQuery, toFill, toOrder } from './parse.ts';
import { isDuplicate, rejected, rejectionOf } from './rejections.ts';
import { createSigner, type ExchangeKey } from './sign.ts';
import { createSignedClient, type SignedAnswer } from './signed-client.ts';
import { VenueClock } from './venue-clock.ts';

/** Binance spot's host for orders. */
export const binanceOrdersUrl = 'https://api.binance.com';

export interface BinanceOrderVenueOptions {
  /** The venue as it stands in the lake. */
  source: string;
  key: ExchangeKey;
  baseUrl?: string;
  /** How long a request counts at the venue after we signed it; at most a minute. */
  recvWindowMs?: number;
  timeoutMs?: number;
  /** How long the venue may take to show an order that it took. */
  lagMs?: number;
  /** For how long a venue that does not answer is asked what became of an order. */
  patienceMs?: number;
  /** The account's limits, where they are not the documented ones. */
  limits?: { weightPerMinute?: number; ordersPer10s?: number; ordersPerDay?: number; maxWaitMs?: number };
  logger: Logger;
  metrics: Metrics;
}

/** As documented for Binance spot. */
const documented = { weightPerMinute: 6_000, ordersPer10s: 100, ordersPerDay: 200_000, maxWaitMs: 1_000 };
const weights = {
  ...{ time: 1, place: 1, cancel: 1, order: 4, openOrders: 6, openOrdersOfAll: 80 },
  ...{ fills: 20, account: 20 },
};
const noSuchOrder = -2013;
const maxFills = 1_000;
const readRetries = 4;

/**
 * Orders at Binance spot, or at anything that speaks its protocol. The key and its secret are in no log and no error.
 * Throws CONFIG_INVALID where the key is not of its form, or would go over the network in the clear.
 */
export function createBinanceOrderVenue(options: BinanceOrderVenueOptions): OrderVenue {
  const { source, logger, metrics } = options;
  const baseUrl = checkedUrl(options.baseUrl ?? binanceOrdersUrl);
  const timeoutMs = options.timeoutMs ?? 5_000;
  const limits = { ...documented, ...options.limits };
  const unsigned = createHttpClient({
    ...{ source, baseUrl, logger, metrics, timeoutMs },
    weightLimit: limits.weightPerMinute,
    maxRetries: 1,
  });
  const venueMs = async (signal?: AbortSignal) => {
    const { serverTime } = await unsigned.get(time, {}, weights.time, signal);
    return integerTimeUs(serverTime) / 1000;
  };
  const clock = new VenueClock({ source, askMs: venueMs, metrics });
  const client = createSignedClient({
    ...{ source, baseUrl, clock, metrics, timeoutMs },
    signer: createSigner(options.key),
    limits: new VenueLimits({ source, metrics, ...limits }),
    recvWindowMs: Math.min(options.recvWindowMs ?? 5_000, 60_000),
  });
  const asked = metrics.counter(
    'ticklake_order_venue_asked_total',
    'Orders of which it was not known what became of them, by what asking brought to light.',
    ['source', 'result'],
  );
  const asking = metrics.gauge(
    'ticklake_order_venue_asking',
    'Orders that are being asked for, as it is not known what became of them.',
    ['source'],
  );
  const retries = retry(
    handleWhen((error) => isTicklakeError(error, 'EXCHANGE_UNREACHABLE')),
    {
      maxAttempts: readRetries,
      backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 2_000 }),
    },
  );

  async function read<T>(
    endpoint: Endpoint<T>,
    query: Query,
    weight: number,
    signal?: AbortSignal,
  ): Promise<T> {
    const cost = { weight, orders: 0 };
    return retries.execute(async () => {
      const answer = await client.send({ method: 'GET', endpoint, query, cost }, signal);
      signal?.throwIfAborted();
      if (answer.kind === 'answered') return answer.body;
      throw readFailure(endpoint.path, answer);
    });
  }

  async function find({ symbol, clientOrderId }: OrderKey, signal?: AbortSignal) {
    const query = { symbol, origClientOrderId: clientOrderId };
    try {
      return toOrder(await read(answers.order, query, weights.order, signal));
    } catch (error) {
      if (isTicklakeError(error, 'EXCHANGE_REFUSED') && error.context['code'] === noSuchOrder)
        return undefined;
      throw error;
    }
  }

  async function settle(order: MeantOrder, signal?: AbortSignal): Promise<OrderAnswer> {
    const { symbol, clientOrderId } = order;
    const lagMs = options.lagMs ?? 2_000;
    const patienceMs = options.patienceMs ?? 30_000;
    const venueTimeUs = async (until?: AbortSignal) => (await venueMs(until)) * 1000;
    asking.inc({ source });
    const answer = await askUntilKnown(order, { venueTimeUs, find, lagMs, patienceMs }, signal);
    asking.dec({ source });
    asked.inc({ source, result: answer.kind });
    logger.info({ source, symbol, clientOrderId, answer: answer.kind }, 'an order was asked for');
    return answer;
  }

  return {
    source,
    nowUs: async (signal) => (await clock.nowMs(signal)) * 1000,
    async place(request, signal) {
      const { symbol, clientOrderId, validUntilUs } = request;
      const answer = await client.send(
        {
          ...{ method: 'POST' as const, endpoint: answers.order, query: orderQuery(request), validUntilUs },
          cost: { weight: weights.place, orders: 1 },
        },
        signal,
      );
      switch (answer.kind) {
        case 'answered':
          return { kind: 'accepted', order: toOrder(answer.body) };
        case 'refused':
          if (!isDuplicate(answer)) return rejectionOf(answer);
          break;
        case 'not_sent':
          return unsent(answer.error);
        case 'unknown':
          logger.warn({ source, symbol, clientOrderId, reason: answer.reason }, 'an order has no answer');
      }
      return settle({ symbol, clientOrderId, validUntilUs }, signal);
    },
    settle,
    cancel: (key, signal) =>
      cancelUntilKnown(key, { cancel: cancelOnce, find, patienceMs: options.patienceMs ?? 30_000 }, signal),
    order: find,
    async openOrders(symbol, signal) {
      const weight = symbol === undefined ? weights.openOrdersOfAll : weights.openOrders;
      return (await read(answers.openOrders, { symbol }, weight, signal)).map(toOrder);
    },
    async fills({ symbol, fromId, limit = maxFills }, signal) {
      const query = { symbol, fromId, limit: Math.max(1, Math.min(limit, maxFills)) };
      const rows = await read(answers.myTrades, query, weights.fills, signal);
      return rows.map(toFill).sort((a, b) => a.id - b.id);
    },
    async balances(signal) {
      const { balances } = await read(answers.account, { omitZeroBalances: 'true' }, weights.account, signal);
      return balances;
    },
    close() {
      unsigned.close();
      client.close();
    },
  };

  async function cancelOnce(
    { symbol, clientOrderId }: OrderKey,
    signal?: AbortSignal,
  ): Promise<SignedAnswer<VenueOrder>> {
    const query = { symbol, origClientOrderId: clientOrderId };
    const cost = { weight: weights.cancel, orders: 0 };
    const answer = await client.send({ method: 'DELETE', endpoint: answers.order, query, cost }, signal);
    return answer.kind === 'answered' ? { kind: 'answered', body: toOrder(answer.body) } : answer;
  }
}

function unsent(error: TicklakeError): OrderAnswer {
  const isBusy = error.code === 'RATE_LIMITED' || error.code === 'OVERLOADED';
  return rejected(isBusy ? 'RATE_LIMITED' : 'NOT_TAKEN', `it was not sent: ${error.message}`);
}

function readFailure(
  path: string,
  answer: Exclude<SignedAnswer<unknown>, { kind: 'answered' }>,
): TicklakeError {
  if (answer.kind === 'not_sent') return answer.error;
  if (answer.kind === 'unknown')
    return new TicklakeError('EXCHANGE_UNREACHABLE', `GET ${path} failed: ${answer.reason}`, {
      remedy: 'Check the network and the exchange’s status page; the request can be sent again.',
    });
  const { status, code, message } = answer;
  const isForbidden = status === 429 || status === 418;
  return new TicklakeError(
    isForbidden ? 'RATE_LIMITED' : 'EXCHANGE_REFUSED',
    `GET ${path} answered ${status}: ${message}`,
    {
      remedy: isForbidden
        ? 'Send fewer requests from this address.'
        : 'Check the key, its rights, and the addresses it may be used from.',
      context: { status, code, path },
    },
  );
}

/** A key goes over TLS, or nowhere beyond this machine. */
function checkedUrl(url: string): string {
  const { protocol, hostname, origin } = new URL(url);
  if (protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return origin;
  throw new TicklakeError('CONFIG_INVALID', `the exchange key would go to ${hostname} in the clear`, {
    remedy: 'Give an address that begins with https://.',
  });
}
