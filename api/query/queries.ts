import { randomUUID } from 'node:crypto';
import type { Caller } from '#core/identity/sessions.ts';
import type { AnswerBounds, AnswerFormat } from '#core/lake/answer.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { Sandboxes } from '#core/lake/sandbox/open.ts';
import type { QueryParams } from '#core/lake/select.ts';
import { lakeTables, tableId, type LakeTable } from '#core/lake/tables.ts';
import { lakeViews } from '#core/lake/views.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { mayQuery, reaches, type Asker } from '../rights.ts';
import type { QueryUnderWay } from '../schemas/query.ts';

export interface AskedQuery {
  sql: string;
  params: QueryParams;
  asOf?: string | undefined;
  format: AnswerFormat;
  rowsMax: number;
}

export interface QueryAnswer {
  queryId: string;
  rows: number;
  bytes: number;
  truncated: boolean;
  milliseconds: number;
  snapshots: Record<string, string | null>;
  /** The file with the answer; it is there until the signal of its question. */
  file: string;
}

export interface RunControl {
  /** Aborted when nobody waits for the answer any more, or has it. */
  signal: AbortSignal;
  /** Ends the sending of an answer, when somebody ends its query meanwhile; does nothing where it is sent. */
  cut(): void;
  /** Around the part that asks Postgres. */
  guard<T>(work: () => Promise<T>): Promise<T>;
}

/** Queries of users over the lake, those of this process. */
export interface Queries {
  /**
   * @throws QUERY_INVALID, QUERY_OVER_LIMIT, QUERY_CANCELED, NOT_FOUND for an unknown `asOf`, FORBIDDEN for a table of others,
   * RATE_LIMITED where the user has too many under way, OVERLOADED
   */
  run(asked: AskedQuery, caller: Caller, control: RunControl): Promise<QueryAnswer>;
  /** Those that the asker reaches, the oldest first. */
  list(asker: Asker): QueryUnderWay[];
  /** @throws NOT_FOUND */
  cancel(queryId: string, asker: Asker): void;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export interface QueriesOptions {
  lake: Lake;
  sandboxes: Sandboxes;
  logger: Logger;
  metrics: Metrics;
  /** What may be queried at all; default all tables of the lake. */
  tables?: readonly LakeTable[];
}

interface UnderWay {
  shown: QueryUnderWay;
  stop: AbortController;
}

const perUserMax = 3;
const underWayMax = 64;
const bytesMax = 64 * 1024 * 1024;
const loggedCharactersMax = 1_000;

export function createQueries(options: QueriesOptions): Queries {
  const { lake, sandboxes, logger, metrics, tables = lakeTables } = options;
  const underWay = new Map<string, UnderWay>();
  const active = metrics.gauge('ticklake_api_queries_active', 'Queries whose answer somebody waits for');

  return {
    async run(asked, caller, { signal, cut, guard }) {
      const one = enter(asked, caller, signal);
      const { shown, stop } = one;
      const { queryId } = shown;
      const release = await guard(async () => await lake.leases.hold());
      try {
        const allowed = tables.filter((table) => mayQuery(caller.role, table));
        const views = await guard(async () => await lakeViews(lake, { asOf: asked.asOf, tables: allowed }));
        shown.state = 'waiting';
        const hidden = tables.filter((table) => !allowed.includes(table)).map(tableId);
        const bounds: AnswerBounds = { rowsMax: asked.rowsMax, bytesMax };
        const { discard, ...answer } = await sandboxes.run(
          { sql: asked.sql, params: asked.params, format: asked.format, views, hidden, bounds },
          {
            signal: stop.signal,
            onBegin: () => (shown.state = 'running'),
            onProgress: ({ percent, memoryBytes }) => {
              shown.percent = percent ?? shown.percent;
              shown.memoryBytes = memoryBytes;
            },
          },
        );
        shown.state = 'sending';
        whenAborted(stop.signal, cut);
        whenAborted(signal, () => {
          discard().catch((error: unknown) => {
            logger.warn({ err: error, queryId }, 'an answer was not removed');
          });
        });
        log(shown, asked, { rows: answer.rows, bytes: answer.bytes, memoryBytes: answer.memoryBytesMax });
        return { queryId, ...answer };
      } catch (error) {
        leave(queryId);
        log(shown, asked, { failed: isTicklakeError(error) ? error.code : 'INTERNAL' });
        throw error;
      } finally {
        release();
      }
    },
    list: (asker) =>
      [...underWay.values()].map(({ shown }) => shown).filter(({ userId }) => reaches(asker, userId)),
    cancel(queryId, asker) {
      const one = underWay.get(queryId);
      if (one === undefined || !reaches(asker, one.shown.userId)) {
        throw new TicklakeError('NOT_FOUND', `no query ${queryId} is under way`, {
          remedy: 'GET /v1/query lists those that are, of this process.',
        });
      }
      one.stop.abort();
    },
    close: async () => await sandboxes.close(),
  };

  /** From here on it counts, until the signal or an error. */
  function enter({ sql }: AskedQuery, { userId }: Caller, signal: AbortSignal): UnderWay {
    const own = [...underWay.values()].filter(({ shown }) => shown.userId === userId).length;
    if (own >= perUserMax) {
      throw new TicklakeError('RATE_LIMITED', `${perUserMax} of your queries are under way`, {
        remedy: 'Wait until one has ended and its answer is read, or end one by DELETE /v1/query/ID.',
        context: { retryAfterSeconds: 1 },
      });
    }
    if (underWay.size >= underWayMax) {
      throw new TicklakeError('OVERLOADED', `${underWayMax} queries are under way`, {
        remedy: 'Ask again in a few seconds.',
      });
    }
    const queryId = randomUUID();
    const startedAt = new Date().toISOString();
    const shown: QueryUnderWay = {
      ...{ queryId, userId, sql, startedAt, state: 'planning', percent: null, memoryBytes: 0 },
    };
    const one = { shown, stop: new AbortController() };
    underWay.set(queryId, one);
    active.set(underWay.size);
    whenAborted(signal, () => leave(queryId));
    return one;
  }

  function leave(queryId: string): void {
    underWay.get(queryId)?.stop.abort();
    underWay.delete(queryId);
    active.set(underWay.size);
  }

  function log({ queryId, userId, startedAt }: QueryUnderWay, asked: AskedQuery, more: object): void {
    const { asOf, format } = asked;
    const milliseconds = Date.now() - Date.parse(startedAt);
    const sql = asked.sql.slice(0, loggedCharactersMax);
    logger.info({ queryId, userId, milliseconds, format, asOf, sql, ...more }, 'a query ended');
  }
}

function whenAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
}
