import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';

/** Work that reads all events of a portfolio: one at a time, so that it delays no orders. */
export interface Replays {
  /** @throws OVERLOADED where too many wait */
  run<T>(work: () => Promise<T>): Promise<T>;
}

const waitingMax = 16;

export function createReplays(metrics: Metrics): Replays {
  const turns = bulkhead(1, waitingMax);
  const seconds = metrics.histogram(
    'ticklake_api_replay_seconds',
    'All events of one portfolio read, waiting included',
  );
  return {
    async run(work) {
      const stop = seconds.startTimer();
      try {
        return await turns.execute(work);
      } catch (error) {
        if (!isBulkheadRejectedError(error)) throw error;
        throw new TicklakeError('OVERLOADED', 'too many portfolios wait to be replayed', {
          remedy: 'Ask again in a few seconds, or run `ticklake audit`.',
        });
      } finally {
        stop();
      }
    },
  };
}
