import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import type { Client } from './follower.ts';
import type { PortfolioChannel } from './portfolio-channels.ts';
import type { PortfolioFeed, PortfolioFollower } from './portfolio-feed.ts';
import { pageEvents, type PortfolioReader } from './portfolio-reader.ts';

export interface FollowOptions {
  portfolioId: string;
  channel: PortfolioChannel;
  feed: PortfolioFeed;
  reader: PortfolioReader;
  client: Client;
  logger: Logger;
}

const retryMs = 1_000;

/**
 * One client's subscription to one private channel of a portfolio. Events are told in the order of their numbers, each
 * once, and none is left out: what the log does not bring in order is read from Postgres.
 */
export class PortfolioSubscription implements PortfolioFollower {
  readonly portfolioId: string;
  readonly #options: FollowOptions;
  #sent = 0;
  /** The highest number that is known of. */
  #newest = 0;
  #isReading = true;
  #isClosed = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.portfolioId = options.portfolioId;
    options.feed.add(this);
  }

  /**
   * Sends what there is and goes on with what follows; with a token of this portfolio, what came since. Answers whether it
   * went on from the token. @throws NOT_FOUND
   */
  async begin(resumeToken: string | undefined): Promise<boolean> {
    const { reader, channel, client } = this.#options;
    const portfolio = await reader.portfolio(this.portfolioId);
    const from = resumeToken === undefined ? undefined : numberOf(resumeToken);
    const isResumed = from !== undefined && from <= portfolio.number;
    if (isResumed && channel.isHistory) this.#sent = from;
    else {
      const isNews = !isResumed || from < portfolio.number;
      if (isNews) client.send(this.#snapshot(portfolio, isResumed, resumeToken !== undefined));
      channel.knows(portfolio);
      this.#sent = portfolio.number;
    }
    await this.#catchUp();
    return isResumed;
  }

  offer(events: readonly NumberedEvent[]): void {
    this.#newest = Math.max(this.#newest, events.at(-1)?.number ?? 0);
    if (this.#isReading || this.#isClosed) return;
    const fresh = events.filter(({ number }) => number > this.#sent);
    const isNext = fresh.every(({ number }, index) => number === this.#sent + 1 + index);
    if (!isNext) return this.missed();
    const text = this.#update(fresh);
    if (text !== undefined) this.#options.client.send(text);
  }

  missed(): void {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    void this.#catchUpPatiently();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.feed.remove(this);
  }

  async #catchUpPatiently(): Promise<void> {
    const { client, logger } = this.#options;
    while (!client.signal.aborted && !this.#isClosed) {
      try {
        return await this.#catchUp();
      } catch (error) {
        logger.warn({ reason: messageOf(error), retryMs }, 'events of a portfolio cannot be read');
        await sleep(retryMs, undefined, { signal: client.signal }).catch(() => undefined);
      }
    }
  }

  /** Sends all events after the last that was sent, until there are none that are known of. */
  async #catchUp(): Promise<void> {
    const { reader, client } = this.#options;
    for (;;) {
      const page = await reader.eventsAfter(this.portfolioId, this.#sent);
      if (this.#isClosed) return;
      const text = this.#update(page.map((stored) => parseEvent(stored.text).event));
      if (text !== undefined) await client.sendPaced(text);
      if (page.length < pageEvents && this.#newest <= this.#sent) break;
    }
    this.#isReading = false;
  }

  /** Counts the events as sent. */
  #update(events: readonly NumberedEvent[]): string | undefined {
    const data = this.#options.channel.update(this.portfolioId, events);
    this.#sent = events.at(-1)?.number ?? this.#sent;
    return data.length === 0 ? undefined : this.#frame('update', {}, data);
  }

  #snapshot(portfolio: Portfolio, isResumed: boolean, hasToken: boolean): string {
    this.#sent = portfolio.number;
    const data = this.#options.channel.snapshot(this.portfolioId, portfolio);
    // A state is told whole after a pause; where it goes on from a token nothing was missed by that.
    return isResumed ? this.#frame('update', {}, data) : this.#frame('snapshot', { reset: hasToken }, data);
  }

  #frame(op: 'snapshot' | 'update', more: object, data: readonly object[]): string {
    const { channel, portfolioId } = this.#options;
    const resumeToken = encodeCursor(String(this.#sent));
    const head = { op, channel: channel.name, portfolioId, sequence: this.#sent };
    return JSON.stringify({ ...head, ...more, data, resumeToken });
  }
}

/** The number of the event that a token names; undefined for text that is none of ours. */
function numberOf(token: string): number | undefined {
  try {
    const text = decodeCursor(token);
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
