import { setTimeout as sleep } from 'node:timers/promises';
import { newestChange } from '#core/alerts/alert.ts';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';

/** Somebody who follows alerts. */
export interface AlertFollower {
  /** Alerts have changed up to this number; whether any of them concerns the follower, it finds out. */
  changed(sequence: number): void;
}

export interface AlertFeed {
  add(follower: AlertFollower): void;
  remove(follower: AlertFollower): void;
  close(): Promise<void>;
}

const pollMs = 500;

/** Looks for new alerts, twice a second however many follow them, and not while nobody does. */
export function createAlertFeed(options: {
  database: Database;
  logger: Logger;
  metrics: Metrics;
  /** Between two looks. */
  pollMs?: number;
}): AlertFeed {
  const { database, logger } = options;
  const followed = options.metrics.gauge('ticklake_stream_alert_followers', 'Clients that follow alerts');
  const followers = new Set<AlertFollower>();
  const closing = new AbortController();
  const { signal } = closing;
  let running: Promise<void> | undefined;
  let known = -1;

  return {
    add(follower) {
      followers.add(follower);
      followed.set(followers.size);
      start();
    },
    remove(follower) {
      followers.delete(follower);
      followed.set(followers.size);
    },
    async close() {
      closing.abort();
      followers.clear();
      await running;
    },
  };

  function start(): void {
    running ??= lookWhileFollowed().finally(() => {
      running = undefined;
      // Who came as the last one left.
      if (followers.size > 0 && !signal.aborted) start();
    });
  }

  async function lookWhileFollowed(): Promise<void> {
    while (!signal.aborted && followers.size > 0) {
      await sleep(options.pollMs ?? pollMs, undefined, { signal }).catch(() => undefined);
      try {
        const newest = await newestChange(database);
        if (newest !== known) for (const follower of followers) follower.changed(newest);
        known = newest;
      } catch (error) {
        logger.warn({ reason: messageOf(error) }, 'alerts cannot be looked for, trying again');
      }
    }
    // Who comes later may have missed what is looked for at present.
    known = -1;
  }
}
