import { ordersTopic } from '#core/market/topics.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { startTail, type Tail, type TailListener } from './tail.ts';

/** Somebody who follows the events of a portfolio. */
export interface PortfolioFollower {
  readonly portfolioId: string;
  /** Events in their order; some may have come before, and some may be missing before them. */
  offer(events: readonly NumberedEvent[]): void;
  /** Events may have been passed over: what there is stands in Postgres. */
  missed(): void;
}

export interface PortfolioFeed {
  add(follower: PortfolioFollower): void;
  remove(follower: PortfolioFollower): void;
  /** Begins to read the log. */
  start(): void;
  close(): Promise<void>;
}

interface Told {
  portfolioId: string;
  event: NumberedEvent;
}

/** Tells followers of portfolios what the topic `orders` brings; of the others nothing is kept. */
export function createPortfolioFeed(options: {
  log: EventLog;
  logger: Logger;
  metrics: Metrics;
}): PortfolioFeed {
  const { log, logger, metrics } = options;
  const followers = new Map<string, Set<PortfolioFollower>>();
  const followed = metrics.gauge('ticklake_stream_portfolios', 'Portfolios whose events somebody follows');
  const tailing = metrics.gauge(
    'ticklake_stream_orders_tailing',
    'Whether events of trading are being read from the log',
  );
  let tail: Tail | undefined;

  const listener: TailListener<Told> = {
    attached: (isReading) => tailing.set(isReading ? 1 : 0),
    restarted() {
      for (const some of followers.values()) for (const follower of some) follower.missed();
    },
    records(_partition, told) {
      const byPortfolio = Map.groupBy(told, ({ portfolioId }) => portfolioId);
      for (const [portfolioId, events] of byPortfolio) {
        for (const follower of followers.get(portfolioId) ?? []) {
          follower.offer(events.map(({ event }) => event));
        }
      }
    },
  };

  return {
    add(follower) {
      const { portfolioId } = follower;
      followers.set(portfolioId, (followers.get(portfolioId) ?? new Set()).add(follower));
      followed.set(followers.size);
    },
    remove(follower) {
      const { portfolioId } = follower;
      followers.get(portfolioId)?.delete(follower);
      if (followers.get(portfolioId)?.size === 0) followers.delete(portfolioId);
      followed.set(followers.size);
    },
    start() {
      tail = startTail({ log, logger, listener, channel: { topic: ordersTopic, decode } });
    },
    async close() {
      followers.clear();
      await tail?.close();
    },
  };

  /** Parsed only where somebody follows: the portfolio stands in the text. */
  function* decode(lines: Buffer): Generator<Told> {
    if (followers.size === 0) return;
    for (const line of lines.toString().split('\n')) {
      const portfolioId = /"portfolioId":"([0-9a-f-]{36})"/.exec(line)?.[1];
      if (portfolioId !== undefined && followers.has(portfolioId)) yield parseEvent(line);
    }
  }
}
