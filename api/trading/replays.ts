import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';

/** Work that reads all events of a portfolio: one at a time, so that it delays no orders. */
export interface Replays {
  /**
   * What nobody waits for any more, by the signal, is not begun. @throws RATE_LIMITED where the user asks for too many at once,
   * OVERLOADED where too many wait
   */
  run<T>(userId: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** How long a route may take that replays: a portfolio of many thousands of events on a busy machine. */
export const replayMsMax = 120_000;

const waitingMax = 16;
const perUserMax = 4;

export function createReplays(metrics: Metrics): Replays {
  const turns = bulkhead(1, waitingMax);
  const asked = new Map<string, number>();
  const seconds = metrics.histogram(
    'ticklake_api_replay_seconds',
    'All events of one portfolio read, waiting included',
  );
  return {
    async run(userId, work, signal) {
      const own = asked.get(userId) ?? 0;
      if (own >= perUserMax) {
        throw new TicklakeError('RATE_LIMITED', `${perUserMax} replays of portfolios are under way for you`, {
          remedy: 'Wait for one to end.',
        });
      }
      asked.set(userId, own + 1);
      const stop = seconds.startTimer();
      try {
        return await turns.execute(async () => {
          signal.throwIfAborted();
          return await work();
        });
      } catch (error) {
        if (!isBulkheadRejectedError(error)) throw error;
        throw new TicklakeError('OVERLOADED', 'too many portfolios wait to be replayed', {
          remedy: 'Ask again in a few seconds, or run `ticklake audit`.',
        });
      } finally {
        stop();
        const left = (asked.get(userId) ?? 1) - 1;
        if (left > 0) asked.set(userId, left);
        else asked.delete(userId);
      }
    },
  };
}
