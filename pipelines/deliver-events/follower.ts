import { backOffMs } from '#core/platform/back-off.ts';
import { toTicklakeError, type TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { DeliveredEvent, EventConsumer } from './consumer.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';
import { deliver, deliverStored } from './deliver.ts';

export interface FollowerOptions {
  database: Database;
  consumer: EventConsumer;
  logger: Logger;
  metrics: DeliveryMetrics;
  signal: AbortSignal;
  retryMs?: { firstMs: number; maxMs: number };
}

const eventsMax = 1_000;
const pagePortfolios = 500;
const retryDefault = { firstMs: 100, maxMs: 60_000 };
const behindSql = sqlFile(import.meta.url, 'sql/behind.sql');

/**
 * Keeps one consumer up with trading. As long as all goes well it is given what the log brings; after a failure, and where
 * the log may have passed events over, it is given from Postgres whatever it lacks.
 */
export class Follower {
  readonly #options: FollowerOptions;
  /** Whether there may be events that the log does not bring (again). */
  #lacks = true;
  #failures = 0;
  #retryAtMs = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** The log may have passed events over. */
  missed(): void {
    this.#lacks = true;
  }

  /** Gives the consumer these events and whatever it lacks, unless it failed a moment ago. Never throws. */
  async take(events: readonly DeliveredEvent[]): Promise<void> {
    if (Date.now() < this.#retryAtMs || (events.length === 0 && !this.#lacks)) return;
    const { consumer, metrics } = this.#options;
    const stop = metrics.seconds.startTimer({ consumer: consumer.name });
    try {
      if (this.#lacks) await this.#takeStored();
      else await this.#takeBrought(events);
      this.#failures = 0;
    } catch (error) {
      this.#failed(toTicklakeError(error));
    } finally {
      stop();
    }
  }

  async #takeBrought(events: readonly DeliveredEvent[]): Promise<void> {
    const { database, consumer, metrics } = this.#options;
    const behind = new Set<string>();
    for (let first = 0; first < events.length; first += eventsMax) {
      const delivered = await deliver(database, consumer, events.slice(first, first + eventsMax));
      metrics.events.inc({ consumer: consumer.name }, delivered.count);
      for (const portfolioId of delivered.behind) behind.add(portfolioId);
    }
    for (const portfolioId of behind) await this.#takeOf(portfolioId);
  }

  /** One portfolio whose events cannot be taken keeps no other from its turn. */
  async #takeStored(): Promise<void> {
    const { database, consumer, metrics, signal } = this.#options;
    // First, as there may be more of it while this is at work.
    this.#lacks = false;
    let failure: unknown;
    let failed = 0;
    for (let after: string | null = null; ;) {
      const { rows }: { rows: { portfolioId: string }[] } = await database.query(behindSql, [
        consumer.name,
        after,
        pagePortfolios,
      ]);
      for (const { portfolioId } of rows) {
        if (signal.aborted) return;
        after = portfolioId;
        try {
          await this.#takeOf(portfolioId);
        } catch (error) {
          failure = error;
          failed += 1;
        }
      }
      if (rows.length < pagePortfolios) break;
    }
    metrics.behind.set({ consumer: consumer.name }, failed);
    if (failure !== undefined) throw failure;
  }

  async #takeOf(portfolioId: string): Promise<void> {
    const { database, consumer, metrics } = this.#options;
    const count = await deliverStored(database, consumer, portfolioId);
    metrics.events.inc({ consumer: consumer.name }, count);
  }

  #failed(error: TicklakeError): void {
    const { consumer, logger, metrics, retryMs = retryDefault } = this.#options;
    this.#lacks = true;
    this.#failures += 1;
    const waitMs = backOffMs(this.#failures, retryMs);
    this.#retryAtMs = Date.now() + waitMs;
    metrics.failures.inc({ consumer: consumer.name, code: error.code });
    logger.warn({ err: error, consumer: consumer.name, waitMs }, 'events could not be taken, trying again');
  }
}
