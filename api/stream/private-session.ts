import { isTicklakeError, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Caller, Sessions } from '#core/identity/sessions.ts';
import { notSignedIn } from '#core/identity/tokens.ts';
import type { Logger } from '#core/platform/logging.ts';
import { problemOf } from '../problem.ts';
import { streamRights, type Asker } from '../rights.ts';
import {
  portfolioChannelsPerClientMax,
  type PrivateAnswer,
  type PrivateMessage,
} from '../schemas/private-stream.ts';
import { cancelOrder, placeOrder } from '../trading/commands.ts';
import type { Trading } from '../trading/open.ts';
import type { Client } from './follower.ts';
import { balancesChannel, ordersChannel } from './portfolio-channels.ts';
import type { PortfolioFeed } from './portfolio-feed.ts';
import { PortfolioSubscription } from './portfolio-subscription.ts';

export interface PrivateSessionOptions {
  client: Client;
  sessions: Sessions;
  trading: Trading;
  feed: PortfolioFeed;
  logger: Logger;
  /** Of the request that opened the socket. */
  token: string | undefined;
}

/** What one client asks of what is its user's. */
export interface PrivateSession {
  /** @throws UNAUTHENTICATED, NOT_FOUND, BAD_REQUEST */
  answer(message: PrivateMessage): Promise<PrivateAnswer | undefined>;
  /** Whether the session it stands on still counts, with the role it had; true where there is none. */
  stillCounts(): Promise<boolean>;
  close(): void;
}

type Follow = Extract<PrivateMessage, { channel: 'orders' | 'balances' }>;
type Order = Extract<PrivateMessage, { op: 'placeOrder' | 'cancelOrder' }>;

const channels = { orders: ordersChannel, balances: balancesChannel };

export function openPrivateSession(options: PrivateSessionOptions): PrivateSession {
  const { client, sessions, trading, feed, logger } = options;
  /** By channel and portfolio. */
  const subscriptions = new Map<string, PortfolioSubscription>();
  let { token } = options;
  let known: Caller | undefined;

  return {
    async answer(message) {
      if (message.op === 'authenticate') return await authenticate(message.token);
      if ('channel' in message) return await follow(message);
      return await order(message);
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
    },
  };

  async function authenticate(given: string): Promise<PrivateAnswer> {
    const caller = await sessions.callerOf(given);
    if (known !== undefined && known.userId !== caller.userId) {
      throw new TicklakeError('BAD_REQUEST', 'this connection is of another user', {
        remedy: 'Open another connection.',
      });
    }
    token = given;
    known = caller;
    return { op: 'authenticated', userId: caller.userId };
  }

  async function asker(what: keyof typeof streamRights): Promise<Asker> {
    if (token === undefined) throw notSignedIn();
    known = await sessions.callerOf(token);
    return { caller: known, right: streamRights[what] };
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
    const { database } = trading;
    const subscription = new PortfolioSubscription({
      ...{ portfolioId, channel: channels[channel](), feed, database, client, logger },
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

  async function order(message: Order): Promise<PrivateAnswer> {
    const { id, idempotencyKey } = message;
    try {
      const who = await asker(message.op);
      if (message.op === 'placeOrder') {
        return { op: 'placed', id, ...(await placeOrder(trading, who, message.order, idempotencyKey)) };
      }
      const canceled = await cancelOrder(trading, who, message.orderId, idempotencyKey);
      return { op: 'canceled', id, order: canceled };
    } catch (error) {
      const problem = toTicklakeError(error);
      if (problem.code === 'INTERNAL') logger.error({ err: error }, 'an order could not be answered');
      return { op: 'refused', id, problem: problemOf(problem) };
    }
  }
}
