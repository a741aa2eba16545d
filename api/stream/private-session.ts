import { isTicklakeError, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Caller, Sessions } from '#core/identity/sessions.ts';
import { notSignedIn } from '#core/identity/tokens.ts';
import type { Logger } from '#core/platform/logging.ts';
import { problemOf } from '../problem.ts';
import { isRefusal, logRefusal } from '../refusals.ts';
import { assertWithin, type RateLimits } from '../rate-limits.ts';
import { assertAllowed, runsRight, streamRights, type Asker } from '../rights.ts';
import {
  portfolioChannelsPerClientMax,
  type PrivateAnswer,
  type PrivateMessage,
} from '../schemas/private-stream.ts';
import { cancelOrder, placeOrder } from '../trading/commands.ts';
import type { Trading } from '../trading/open.ts';
import { viewerOf } from '../alerts-shown.ts';
import type { AlertFeed } from './alert-feed.ts';
import { AlertSubscription } from './alert-subscription.ts';
import type { Client } from './follower.ts';
import { balancesChannel, ordersChannel } from './portfolio-channels.ts';
import type { PortfolioFeed } from './portfolio-feed.ts';
import type { PortfolioReader } from './portfolio-reader.ts';
import { PortfolioSubscription } from './portfolio-subscription.ts';

export interface PrivateSessionOptions {
  client: Client;
  sessions: Sessions;
  limits: RateLimits;
  isPublic: boolean;
  trading: Trading;
  feed: PortfolioFeed;
  alerts: AlertFeed;
  reader: PortfolioReader;
  logger: Logger;
  /** Of the request that opened the socket. */
  token: string | undefined;
  /** Where it came from. */
  address: string;
}

/** What one client asks of what is its user's. */
export interface PrivateSession {
  /** @throws UNAUTHENTICATED, NOT_FOUND, BAD_REQUEST */
  answer(message: PrivateMessage): Promise<PrivateAnswer | undefined>;
  /** @throws UNAUTHENTICATED, FORBIDDEN where runs of jobs are not for the client */
  mayFollowRuns(): Promise<void>;
  /** Whether the session it stands on still counts, with the role it had; true where there is none. */
  stillCounts(): Promise<boolean>;
  close(): void;
}

type Follow = Extract<PrivateMessage, { channel: 'orders' | 'balances' }>;
type FollowAlerts = Extract<PrivateMessage, { channel: 'alerts' }>;
type Order = Extract<PrivateMessage, { op: 'placeOrder' | 'cancelOrder' }>;

const channels = { orders: ordersChannel, balances: balancesChannel };

export function openPrivateSession(options: PrivateSessionOptions): PrivateSession {
  const { client, sessions, limits, isPublic, trading, feed, reader, logger } = options;
  /** By channel and portfolio. */
  const subscriptions = new Map<string, PortfolioSubscription>();
  let alerts: AlertSubscription | undefined;
  let { token } = options;
  /** Who asked first: with another role, what is followed counts no longer. */
  let known: Caller | undefined;

  return {
    async answer(message) {
      if (message.op === 'authenticate')
        return await watched('authenticate', () => authenticate(message.token));
      if (!('channel' in message)) return await order(message);
      return await watched(`${message.op} ${message.channel}`, () =>
        message.channel === 'alerts' ? followAlerts(message) : follow(message),
      );
    },
    async mayFollowRuns() {
      const right = runsRight(isPublic);
      if (right.who === 'anyone') return;
      await watched('subscribe jobs', async () => assertAllowed(right, await caller()));
    },
    async stillCounts() {
      if (token === undefined || known === undefined) return true;
      try {
        return (await sessions.callerOf(token)).role === known.role;
      } catch (error) {
        // An outage of Postgres is no end of a session.
        return !isTicklakeError(error, 'UNAUTHENTICATED');
      }
    },
    close() {
      for (const subscription of subscriptions.values()) subscription.close();
      subscriptions.clear();
      alerts?.close();
    },
  };

  /** Logs who asks for what they may not have. */
  async function watched<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isRefusal(error))
        logRefusal(logger, error, { what: `socket ${what}`, address: options.address, caller: known });
      throw error;
    }
  }

  async function authenticate(given: string): Promise<PrivateAnswer> {
    const caller = await callerBehind(given);
    if (known !== undefined && known.userId !== caller.userId) {
      throw new TicklakeError('BAD_REQUEST', 'this connection is of another user', {
        remedy: 'Open another connection.',
      });
    }
    token = given;
    known ??= caller;
    return { op: 'authenticated', userId: caller.userId };
  }

  /** A token that does not count is a request of its address, as over REST. @throws UNAUTHENTICATED, RATE_LIMITED */
  async function callerBehind(given: string): Promise<Caller> {
    try {
      return await sessions.callerOf(given, options.address);
    } catch (error) {
      if (isTicklakeError(error, 'UNAUTHENTICATED')) assertWithin(limits.ofAddress(options.address));
      throw error;
    }
  }

  async function caller(): Promise<Caller> {
    if (token === undefined) throw notSignedIn();
    const asking = await callerBehind(token);
    known ??= asking;
    assertWithin(limits.ofUser(asking.userId, 1));
    return asking;
  }

  async function asker(what: keyof typeof streamRights): Promise<Asker> {
    const right = streamRights[what];
    const who = await caller();
    assertAllowed(right, who);
    return { caller: who, right };
  }

  async function follow(message: Follow): Promise<PrivateAnswer | undefined> {
    const { channel, portfolioId } = message;
    const key = `${channel}|${portfolioId}`;
    subscriptions.get(key)?.close();
    subscriptions.delete(key);
    if (message.op === 'unsubscribe') return { op: 'unsubscribed', channel, portfolioId };
    await trading.owners.checkPortfolio(await asker(channel), portfolioId);
    if (subscriptions.size >= portfolioChannelsPerClientMax) {
      throw new TicklakeError(
        'BAD_REQUEST',
        `a client follows at most ${portfolioChannelsPerClientMax} channels of portfolios`,
        { remedy: 'Unsubscribe from some, or open another connection.' },
      );
    }
    const subscription = new PortfolioSubscription({
      ...{ portfolioId, channel: channels[channel](), feed, reader, client, logger },
    });
    subscriptions.set(key, subscription);
    try {
      const isResumed = await subscription.begin(message.resumeToken);
      return isResumed ? { op: 'resumed', channel, portfolioId } : undefined;
    } catch (error) {
      subscription.close();
      subscriptions.delete(key);
      throw error;
    } finally {
      if (client.signal.aborted) subscription.close();
    }
  }

  async function followAlerts(message: FollowAlerts): Promise<PrivateAnswer | undefined> {
    const { channel } = message;
    alerts?.close();
    alerts = undefined;
    if (message.op === 'unsubscribe') return { op: 'unsubscribed', channel };
    const viewer = viewerOf(await asker(channel));
    const subscription = new AlertSubscription({
      ...{ viewer, feed: options.alerts, database: trading.database, client, logger },
    });
    alerts = subscription;
    try {
      return (await subscription.begin(message.resumeToken)) ? { op: 'resumed', channel } : undefined;
    } catch (error) {
      subscription.close();
      throw error;
    } finally {
      if (client.signal.aborted) subscription.close();
    }
  }

  async function order(message: Order): Promise<PrivateAnswer> {
    const { id, idempotencyKey } = message;
    try {
      return await watched(message.op, async () => {
        const who = await asker(message.op);
        if (message.op === 'placeOrder') {
          return { op: 'placed', id, ...(await placeOrder(trading, who, message.order, idempotencyKey)) };
        }
        const canceled = await cancelOrder(trading, who, message.orderId, idempotencyKey);
        return { op: 'canceled', id, order: canceled };
      });
    } catch (error) {
      const problem = toTicklakeError(error);
      if (problem.code === 'INTERNAL') logger.error({ err: error }, 'an order could not be answered');
      return { op: 'refused', id, problem: problemOf(problem) };
    }
  }
}
