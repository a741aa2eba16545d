import { PgBoss, type Db } from 'pg-boss';
import { isTicklakeError, messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';

/** One attempt that is due, or will be. */
export interface Message {
  attemptId: string;
  job: string;
  priority: number;
  delayMs: number;
}

/**
 * The queue that delivers attempts to workers: pg-boss, every statement of it inside a transaction of the caller, so
 * that a message and the task it stands for never disagree.
 */
export interface Queue {
  send(tx: Transaction, messages: readonly Message[]): Promise<void>;
  /** The id of the attempt that is due first, taken; of a job whose limit is not reached. Callers take turns. */
  take(
    tx: Transaction,
    limits: Readonly<Record<string, number>>,
    except: readonly string[],
  ): Promise<string | undefined>;
  /** Messages that are done with, however: what became of them is in our own tables. */
  remove(tx: Transaction, attemptIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const queueName = 'partitions';
const sendBatch = 1_000;

/** @throws DATABASE_UNREACHABLE, DATABASE_WRONG when the schema is of another version of pg-boss. */
export async function openQueue(database: Database, logger: Logger): Promise<Queue> {
  const boss = new PgBoss({
    db: asDb(database),
    schema: 'pgboss',
    // The schema comes by our migrations; nothing is left to supervise, as finished messages are removed.
    migrate: false,
    createSchema: false,
    supervise: false,
    schedule: false,
  });
  boss.on('error', (error) => logger.warn({ err: error }, 'the job queue reports an error'));
  await boss.start().catch((error: unknown) => {
    if (isTicklakeError(error)) throw error;
    throw new TicklakeError('DATABASE_WRONG', `the job queue cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  });
  return {
    async send(tx, messages) {
      for (let from = 0; from < messages.length; from += sendBatch) {
        const batch = messages.slice(from, from + sendBatch).map((message) => ({
          id: message.attemptId,
          priority: message.priority,
          startAfter: message.delayMs / 1_000,
          group: { id: message.job, tier: message.job },
        }));
        await boss.insert(queueName, batch, { db: asDb(tx) });
      }
    },
    async take(tx, limits, except) {
      // Limits of jobs hold across workers only while they do not count at the same time.
      await tx.query(`select pg_advisory_xact_lock(hashtextextended('ticklake.jobs.take', 0))`);
      const [taken] = await boss.fetch(queueName, {
        batchSize: 1,
        groupConcurrency: { default: 1, tiers: { ...limits } },
        ignoreGroups: [...except],
        db: asDb(tx),
      });
      return taken?.id;
    },
    async remove(tx, attemptIds) {
      if (attemptIds.length > 0) await boss.deleteJob(queueName, [...attemptIds], { db: asDb(tx) });
    },
    close: () => boss.stop({ graceful: false, close: false }),
  };
}

function asDb(executor: Transaction): Db {
  return { executeSql: async (text, values) => await executor.query(text, values ?? []) };
}
