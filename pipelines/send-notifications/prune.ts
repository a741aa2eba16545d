import { setTimeout as sleep } from 'node:timers/promises';
import { pruneDeliveries } from '#core/alerts/deliveries.ts';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { Sender } from './webhooks.ts';

const everyMs = 600_000;
const days = 7;
const limit = 10_000;

/** Forgets what was told more than a week ago. */
export function startPruning({ database, logger }: { database: Database; logger: Logger }): Sender {
  const closing = new AbortController();
  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const count = await pruneDeliveries(database, { days, limit }).catch((error: unknown) => {
        logger.warn({ reason: messageOf(error) }, 'what was told long ago could not be forgotten');
        return 0;
      });
      if (count === limit) continue;
      await sleep(everyMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }
}
