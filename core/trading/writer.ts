import { LRUCache } from 'lru-cache';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { BatchTerms, Guard, Outcome, Request, Submitted, TradingSurroundings } from './batch.ts';
import type { Command } from './command.ts';
import { Lane, type LaneOptions } from './lane.ts';
import type { Once } from './once.ts';

export type { Guard, Outcome, Submitted, TradingSurroundings } from './batch.ts';
export type { Once } from './once.ts';

export interface TradingWriterOptions {
  /** With the right to write `trading`; the writer has connections of its own beside the pool's. */
  database: Database;
  surroundings: TradingSurroundings;
  metrics: Metrics;
  /** Commands that wait at most, of all portfolios. */
  waitingMax?: number;
}

/** The durable path: what it answers is committed. Any number of processes may have one. */
export interface TradingWriter {
  /**
   * Decides a command and writes what follows, in one transaction with others that are under way. With `once`, the same
   * command is done once, ever, and answered alike.
   * @throws what `decide` refuses with; IDEMPOTENCY_CONFLICT where a key was used with another body; OVERLOADED when too many
   * wait; COMMIT_UNKNOWN, DATABASE_UNREACHABLE: ask again with the same key
   */
  submit(command: Command, once?: Once): Promise<Submitted>;
  /**
   * The same for commands of any portfolios, in their order, all in one transaction of their own; one that is refused does
   * not hinder the others. The guard's error undoes them all and is thrown.
   */
  submitTogether(commands: readonly Command[], guard?: Guard): Promise<Outcome[]>;
  /** A command of which nothing is written unless the guard holds, and nothing of the guard where it is refused. */
  submitGuarded(command: Command, guard: Guard): Promise<Submitted>;
  /** Takes nothing more, and ends when what was taken is answered. */
  close(): Promise<void>;
}

/** One transaction at a time in each; more than there are cores only wait for each other. */
const shards = 2;
const commandsPerBatch = 256;
const portfoliosCached = 2_000;
const waitingMaxDefault = 4_096;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function openTradingWriter(options: TradingWriterOptions): TradingWriter {
  const { database, surroundings, waitingMax = waitingMaxDefault } = options;
  const observed = observe(options.metrics);
  const lane: LaneOptions = {
    ...{ database, surroundings, name: 'ticklake trading', batchMax: commandsPerBatch },
    cache: new LRUCache({ max: portfoliosCached }),
    onBatch: observed.batch,
  };
  const lanes = Array.from({ length: shards }, () => new Lane(lane));
  const together = new Lane(lane);
  let isClosed = false;

  const add = (to: Lane, requests: readonly Request[], terms?: BatchTerms): Promise<Outcome[]> => {
    if (isClosed) throw unavailable();
    const waiting = [...lanes, together].reduce((sum, one) => sum + one.waiting, 0);
    observed.waiting(waiting);
    if (waiting + requests.length > waitingMax) throw overloaded(waiting);
    for (const { command } of requests) if (!uuid.test(command.portfolioId)) throw notFound(command);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    const settle = (outcomes: Outcome[] | TicklakeError): void =>
      outcomes instanceof TicklakeError ? reject(outcomes) : resolve(outcomes);
    to.add({ requests, terms, settle });
    return promise;
  };

  return {
    async submit(command, once) {
      const shard = lanes[Number.parseInt(command.portfolioId.slice(-2), 16) % shards] ?? together;
      return only(await add(shard, [{ command, once }]));
    },
    async submitTogether(commands, guard) {
      return await add(
        together,
        commands.map((command) => ({ command })),
        guard === undefined ? undefined : { guard },
      );
    },
    async submitGuarded(command, guard) {
      return only(await add(together, [{ command }], { guard, isWhole: true }));
    },
    async close() {
      isClosed = true;
      await Promise.all([...lanes, together].map((one) => one.close()));
    },
  };
}

function only([outcome]: readonly Outcome[]): Submitted {
  if (outcome === undefined) throw new TicklakeError('INTERNAL', 'a batch left a command out');
  if ('refused' in outcome) throw outcome.refused;
  return outcome.submitted;
}

function observe(metrics: Metrics) {
  const commands = metrics.histogram(
    'ticklake_trading_batch_commands',
    'Commands of one transaction',
    [],
    [1, 4, 16, 64, 128, 256],
  );
  const seconds = metrics.histogram('ticklake_trading_batch_seconds', 'One transaction of commands');
  const waiting = metrics.gauge('ticklake_trading_waiting', 'Commands waiting for their transaction');
  return {
    batch(count: number, took: number): void {
      commands.observe(count);
      seconds.observe(took);
    },
    waiting: (count: number): void => waiting.set(count),
  };
}

function unavailable(): TicklakeError {
  return new TicklakeError('UNAVAILABLE', 'this process is shutting down and takes no more commands', {
    remedy: 'Try again in a moment, with the same key.',
  });
}

function overloaded(waiting: number): TicklakeError {
  return new TicklakeError('OVERLOADED', `${waiting} commands are waiting already`, {
    remedy: 'Try again in a moment, with the same key.',
  });
}

function notFound({ portfolioId }: Command): TicklakeError {
  return new TicklakeError('NOT_FOUND', `there is no portfolio ${portfolioId.slice(0, 64)}`, {
    remedy: 'Name a portfolio by its id.',
  });
}
