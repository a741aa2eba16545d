import { setTimeout as sleep } from 'node:timers/promises';
import { changedAlerts, listAlerts, newestChange, type Alert, type Viewer } from '#core/alerts/alert.ts';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { shownAlert } from '../alerts-shown.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import type { AlertFeed, AlertFollower } from './alert-feed.ts';
import type { Client } from './follower.ts';

export interface AlertSubscriptionOptions {
  viewer: Viewer;
  feed: AlertFeed;
  database: Database;
  client: Client;
  logger: Logger;
}

const pageAlerts = 100;
const retryMs = 1_000;

/**
 * One client's subscription to the alerts that its user sees: those that nobody has seen to, then each as it is raised or
 * acknowledged, in the order of their changes. It goes on from a token for ever, as all of them stand in Postgres.
 */
export class AlertSubscription implements AlertFollower {
  readonly #options: AlertSubscriptionOptions;
  #sent = 0;
  /** The highest number that is known of. */
  #newest = 0;
  #isReading = true;
  #isClosed = false;

  constructor(options: AlertSubscriptionOptions) {
    this.#options = options;
    options.feed.add(this);
  }

  /** Sends what there is, or with a token what changed since; answers whether it went on from the token. */
  async begin(resumeToken: string | undefined): Promise<boolean> {
    const { database, viewer, client } = this.#options;
    const newest = await newestChange(database);
    const from = resumeToken === undefined ? undefined : this.#numberOf(resumeToken);
    const isResumed = from !== undefined && from <= newest;
    if (isResumed) this.#sent = from;
    else {
      const open = await listAlerts(database, viewer, { state: 'open', limit: pageAlerts });
      this.#sent = newest;
      // What has changed since is told as a change.
      const known = open.filter(({ sequence }) => sequence <= newest);
      client.send(this.#frame('snapshot', { reset: resumeToken !== undefined }, known));
    }
    await this.#catchUp();
    return isResumed;
  }

  changed(sequence: number): void {
    this.#newest = Math.max(this.#newest, sequence);
    if (this.#isReading || this.#isClosed || this.#newest <= this.#sent) return;
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
        logger.warn({ reason: messageOf(error), retryMs }, 'alerts cannot be read');
        await sleep(retryMs, undefined, { signal: client.signal }).catch(() => undefined);
      }
    }
  }

  /** Sends all changes after the last that was sent, until there are none that are known of. */
  async #catchUp(): Promise<void> {
    const { database, viewer, client } = this.#options;
    for (;;) {
      // Before: what it has is among what is read.
      const newest = this.#newest;
      const page = await changedAlerts(database, viewer, { after: this.#sent, limit: pageAlerts });
      if (this.#isClosed) return;
      const isLast = page.length < pageAlerts;
      const last = page.at(-1)?.sequence ?? this.#sent;
      this.#sent = isLast ? Math.max(last, newest) : last;
      if (page.length > 0) await client.sendPaced(this.#frame('update', {}, page));
      if (isLast && this.#newest <= this.#sent) break;
    }
    this.#isReading = false;
  }

  #frame(op: 'snapshot' | 'update', more: object, alerts: readonly Alert[]): string {
    const head = { op, channel: 'alerts', sequence: this.#sent, ...more };
    const resumeToken = encodeCursor(`${this.#scope}@${this.#sent}`);
    return JSON.stringify({ ...head, data: alerts.map(shownAlert), resumeToken });
  }

  /** Who sees more than before has not been told of it. */
  get #scope(): string {
    const { userId, isOperator } = this.#options.viewer;
    return isOperator ? `all:${userId}` : userId;
  }

  /** The number that a token names; undefined for text that is none of this user's. */
  #numberOf(token: string): number | undefined {
    try {
      const [scope, number = ''] = decodeCursor(token).split('@');
      return scope === this.#scope && /^\d{1,15}$/.test(number) ? Number(number) : undefined;
    } catch {
      return undefined;
    }
  }
}
