import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '#core/platform/config.ts';
import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { shutDown, type Phase } from '#core/platform/shutdown.ts';
import type { CliContext } from './context.ts';
import { openRuntime } from './runtime.ts';
import type { RoleMessage, StopMessage } from './supervisor.ts';

export interface RunningRole {
  details: Record<string, string>;
  /** Finishes what was taken in, where the one who ends the role wants that. */
  drain?: Phase;
  /** How it ends. */
  close: readonly Phase[];
  /** Rejects when the role cannot go on. */
  failed?: Promise<never>;
}

type StartRole = (config: Config, logger: Logger) => Promise<RunningRole>;

const roles: Record<string, StartRole> = {
  exchange: runExchange,
  ingest: runIngest,
  stream: runStream,
  scheduler: runScheduler,
  trader: runTrader,
  events: runEvents,
  api: runApi,
};
const drainMs = 30_000;
const closeMs = 5_000;

/** `ticklake run <role>`: one role in this process, until it is told to stop. */
export function register(program: Command, context: CliContext): void {
  program
    .command('run')
    .argument('<role>', `one of ${Object.keys(roles).join(', ')}`)
    .description('run one role in this process')
    .addHelpText('after', '\nExample:\n  ticklake run ingest')
    .action(async (name: string) => {
      const start = roles[name];
      if (start === undefined) {
        throw new TicklakeError('USAGE', `there is no role ${name}`, {
          remedy: `Roles are ${Object.keys(roles).join(', ')}.`,
        });
      }
      const config = context.config();
      const logger = context.logger(name, config);
      await untilStopped(await startTelling(start, config, logger), logger);
    });
}

async function startTelling(start: StartRole, config: Config, logger: Logger): Promise<RunningRole> {
  try {
    const role = await start(config, logger);
    tell({ type: 'ready', details: role.details });
    return role;
  } catch (error) {
    const { code, message, remedy } = toTicklakeError(error);
    tell({ type: 'failed', code, message, remedy });
    throw error;
  }
}

function tell(message: RoleMessage): void {
  if (process.connected) process.send?.(message);
}

/**
 * Waits for the supervisor's word, its death, or a signal. A supervised role leaves Ctrl-C to its supervisor: the
 * terminal sends it to both.
 */
async function untilStopped(role: RunningRole, logger: Logger): Promise<void> {
  const supervised = process.connected;
  const stop = await new Promise<{ drain: boolean }>((resolve, reject) => {
    process.on('message', (message: StopMessage) => resolve(message));
    process.on('disconnect', () => resolve({ drain: false }));
    process.on('SIGTERM', () => resolve({ drain: true }));
    process.on('SIGINT', () => {
      if (!supervised) resolve({ drain: true });
    });
    role.failed?.catch(reject);
  }).catch(async (error: unknown) => {
    await shutDown(role.close, logger);
    if (process.connected) process.disconnect();
    // The error is told first; then what did not close may not keep the process.
    setTimeout(() => process.exit(toTicklakeError(error).exitCode), closeMs).unref();
    throw error;
  });
  const drain = stop.drain && role.drain !== undefined ? [role.drain] : [];
  const left = await shutDown([...drain, ...role.close], logger);
  if (process.connected) process.disconnect();
  // What did not close would keep the process.
  if (left.length > 0) process.exit(1);
}

async function runExchange(config: Config, logger: Logger): Promise<RunningRole> {
  const { startSimulator } = await import('#core/exchanges/simulator/server.ts');
  const { accountOfKey } = await import('#core/exchanges/simulator/orders/account-of-key.ts');
  const { exchangeKeyOf } = await import('#core/exchanges/open-order-venue.ts');
  const key = exchangeKeyOf(config);
  const stateDir = join(config.dataDir, 'run');
  await mkdir(stateDir, { recursive: true });
  const placeFile = join(stateDir, 'exchange.json');
  const remembered = config.simulatorPort === 0 ? await rememberedPort(placeFile) : config.simulatorPort;
  const options = {
    seed: config.simulatorSeed,
    symbols: config.simulatorSymbols,
    speed: config.simulatorSpeed,
    host: config.simulatorHost,
    life: config.simulatorLife,
    clockFile: join(config.dataDir, `simulator-${config.simulatorSeed}.clock.json`),
    accounts: key === undefined ? [] : [accountOfKey(key)],
    logger,
    metrics: new Metrics(),
  };
  const simulator = await startSimulator({ ...options, port: remembered }).catch((error: unknown) => {
    if (config.simulatorPort !== 0 || remembered === 0) throw error;
    return startSimulator({ ...options, port: 0 });
  });
  await writeFile(
    placeFile,
    JSON.stringify({ port: simulator.port, url: simulator.url, wsUrl: simulator.wsUrl }),
  );
  return {
    details: { url: simulator.url, source: simulator.source },
    close: [closing('the simulator', () => simulator.close())],
  };
}

/** Port of the last run, so that who is connected finds the simulator again after it was killed. */
async function rememberedPort(placeFile: string): Promise<number> {
  try {
    const place = JSON.parse(await readFile(placeFile, 'utf8')) as { port?: unknown };
    return typeof place.port === 'number' ? place.port : 0;
  } catch {
    return 0;
  }
}

async function runIngest(config: Config, logger: Logger): Promise<RunningRole> {
  const { startIngest } = await import('#pipelines/ingest-trades/role.ts');
  const { openVenue } = await import('./venue.ts');
  const runtime = await openRuntime(config, 'ingest', 'ingest', logger);
  const exchange = await openVenue(config, logger, runtime.metrics);
  const ingest = await startIngest({
    ...runtime,
    database: runtime.connection.database,
    exchange,
    symbols: config.symbols,
    live: true,
  });
  return {
    details: { source: exchange.source },
    failed: ingest.failed,
    drain: { name: 'the drain', timeoutMs: drainMs + closeMs, run: () => ingest.drain(drainMs) },
    close: [
      closing('ingest', () => ingest.close()),
      closing('the exchange', () => exchange.close()),
      closing('the database', () => runtime.close()),
    ],
  };
}

async function runStream(config: Config, logger: Logger): Promise<RunningRole> {
  const { startStream } = await import('#pipelines/stream-bars/role.ts');
  const runtime = await openRuntime(config, 'ingest', 'stream', logger);
  const stream = await startStream({ ...runtime, database: runtime.connection.database });
  return {
    details: {},
    failed: stream.failed,
    drain: {
      name: 'the drain',
      timeoutMs: drainMs + closeMs,
      run: () => stream.drain(AbortSignal.timeout(drainMs)),
    },
    close: [closing('live bars', () => stream.close()), closing('the database', () => runtime.close())],
  };
}

/** Runs jobs and the timetable. The venue is asked only by the jobs that need it, so it may be away. */
async function runScheduler(config: Config, logger: Logger): Promise<RunningRole> {
  const { openWorkableJobs, startWorker } = await import('./workable-jobs.ts');
  const { timetable, triggers } = await import('#pipelines/timetable.ts');
  const runtime = await openRuntime(config, 'ingest', 'scheduler', logger);
  const jobs = await openWorkableJobs(runtime);
  const worker = startWorker(jobs, config);
  const scheduler = jobs.createScheduler({ timetable, triggers });
  scheduler.start();
  return {
    details: { jobs: String(jobs.catalogue.cards.length) },
    close: [
      closing('the scheduler', () => scheduler.close()),
      // Partitions that run are told to stop; what they have not done is begun again later.
      closing('the worker', () => worker.close()),
      closing('the jobs', () => jobs.close()),
      closing('the database', () => runtime.close()),
    ],
  };
}

async function runTrader(config: Config, logger: Logger): Promise<RunningRole> {
  const { startTrader } = await import('#pipelines/execute-orders/role.ts');
  const { openOrders } = await import('./venue.ts');
  const runtime = await openRuntime(config, 'trader', 'trader', logger);
  const orderVenue = await openOrders(config, logger, runtime.metrics);
  if (orderVenue !== undefined)
    logger.warn({ source: orderVenue.source }, 'orders of the live portfolio go to the exchange');
  const trader = await startTrader({ ...runtime, database: runtime.connection.database, orderVenue });
  return {
    details: orderVenue === undefined ? {} : { live: orderVenue.source },
    failed: trader.failed,
    close: [
      closing('the trader', () => trader.close()),
      closing('the order venue', () => Promise.resolve(orderVenue?.close())),
      closing('the database', () => runtime.close()),
    ],
  };
}

async function runEvents(config: Config, logger: Logger): Promise<RunningRole> {
  const { startEvents } = await import('#pipelines/deliver-events/role.ts');
  const runtime = await openRuntime(config, 'events', 'events', logger);
  const events = await startEvents({ ...runtime, database: runtime.connection.database });
  return {
    details: {},
    failed: events.failed,
    close: [closing('the events', () => events.close()), closing('the database', () => runtime.close())],
  };
}

async function runApi(config: Config, logger: Logger): Promise<RunningRole> {
  const { startApi } = await import('#api/server.ts');
  const { jobCards } = await import('#pipelines/catalogue.ts');
  const runtime = await openRuntime(config, 'api', 'api', logger);
  const api = await startApi({ ...runtime, database: runtime.connection.database, jobCards });
  return {
    details: { url: api.url },
    close: [closing('the API', () => api.close()), closing('the database', () => runtime.close())],
  };
}

function closing(name: string, run: () => Promise<void>): Phase {
  return { name, timeoutMs: closeMs, run };
}
