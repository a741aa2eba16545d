import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { createLake } from '#core/lake/create.ts';
import type { Config } from '#core/platform/config.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { assertPortFree } from '#core/platform/ports.ts';
import {
  ingestReport,
  ingestTotals,
  missingIds,
  type IngestReport,
} from '#pipelines/ingest-trades/report.ts';
import { tradesTopic } from '#core/market/topics.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { ensureDemoUsers } from './demo-users.ts';
import { preloadBars } from './preload.ts';
import { startProgress } from './progress.ts';
import { withRuntime, type Runtime } from './runtime.ts';
import { supervise, type SupervisedRole } from './supervisor.ts';

export interface UpOptions {
  exchange?: string;
  symbols?: string;
  speed?: string;
  seed?: string;
  for?: number;
  port?: string;
}

/** What a demonstration has beyond the roles. */
interface Extras {
  preload?: number;
  demoUsers?: boolean;
}

export type UpReport = IngestReport & { apiUrl: string };

const readyMs = 60_000;
const drainMs = 45_000;
const stopMs = 10_000;
const repeatedSignalMs = 1_000;

/** `ticklake up`: all roles on this machine. */
export function register(program: Command, context: CliContext): void {
  addUpOptions(
    program.command('up').description('run all roles on this machine, until Ctrl-C or --for is over'),
  )
    .addHelpText('after', '\nExample:\n  ticklake up --speed 60 --for 60s --json')
    .action(async (options: UpOptions) => {
      await up(context, options);
    });
}

export function addUpOptions(command: Command): Command {
  return command
    .option('--exchange <name>', 'simulator or binance')
    .option('--symbols <list>', 'markets, separated by commas')
    .option('--speed <n>', "how many times faster than real time the simulator's clock runs, or max")
    .option('--seed <n>', 'which tape the simulator serves')
    .option('--for <time>', 'stop after this long: 90s, 10m, 1h', parseDuration)
    .option('--port <n>', 'port of the API and the page');
}

/**
 * Runs all roles and prints the report at the end. So many bars of each market as `preload` says are brought at the start;
 * users to try trading with are made where `demoUsers` says so.
 */
export async function up(
  context: CliContext,
  options: UpOptions,
  { preload = 0, demoUsers = false, ...defaults }: Record<string, unknown> & Extras = {},
): Promise<void> {
  const config = context.config({
    ...defaults,
    ...dropUndefined({
      exchange: options.exchange,
      symbols: options.symbols,
      simulatorSpeed: options.speed,
      simulatorSeed: options.seed,
      apiPort: options.port,
    }),
  });
  await assertPortFree(config.apiPort, config.apiHost);
  const logger = context.logger('up', config);
  const stop = stopSignal(options.for);
  const report = await withRuntime(config, 'owner', 'up', logger, (runtime) =>
    superviseAll(runtime, context, stop, { preload, demoUsers }),
  );
  context.output.result(report, () =>
    table(
      ['what', 'count'],
      Object.entries(report).map(([what, count]) => [what, count]),
    ),
  );
  if (stop.interrupted()) process.exitCode = 130;
}

async function superviseAll(
  runtime: Runtime,
  context: CliContext,
  stop: Stop,
  { preload, demoUsers }: Required<Extras>,
): Promise<UpReport> {
  const { config, logger, log } = runtime;
  const { database } = runtime.connection;
  await createLake(runtime.lake);
  await log.ensureTopic(tradesTopic, {
    partitions: config.logPartitions,
    retentionMs: config.logRetentionHours * 3_600_000,
  });
  const before = await ingestTotals(database, log);
  const env = childEnvironment(config);
  const started: SupervisedRole[] = [];
  const ended = new AbortController();
  const preloading = AbortSignal.any([stop.signal, ended.signal]);
  const start = async (name: string): Promise<SupervisedRole> => {
    const role = await supervise({ name, env, logger, readyTimeoutMs: readyMs });
    started.push(role);
    return role;
  };
  try {
    if (config.exchange === 'simulator' && config.exchangeUrl === undefined) await start('exchange');
    const ingest = await start('ingest');
    // What is said of a bar follows from the bars before it. The page need not wait for them.
    const users = demoUsers ? await ensureDemoUsers(runtime) : [];
    const preloaded = preload > 0 ? preloadBars(runtime, preload, preloading) : undefined;
    const scheduler = await start('scheduler');
    await start('trader');
    await start('events');
    const early = preloaded === undefined ? await start('stream') : undefined;
    const api = await start('api');
    await preloaded;
    const stream = early ?? (stop.signal.aborted ? undefined : await start('stream'));
    const apiUrl = api.details['url'] ?? '';
    context.output.note(`ticklake is up: ${apiUrl} (Ctrl-C stops it)`);
    for (const { email, password, role } of users)
      context.output.note(`sign in as ${email} (${role}), password ${password}`);
    await showProgress(runtime, context, before.committedStream, stop);
    await Promise.all([
      scheduler.stop({ drain: false, timeoutMs: stopMs }),
      ingest.stop({ drain: true, timeoutMs: drainMs }),
    ]);
    // Only now all trades are in the log, whose candles belong to the report.
    await stream?.stop({ drain: true, timeoutMs: drainMs });
    const report = ingestReport(
      before,
      await ingestTotals(database, log),
      await missingIds(database, ingest.details['source'] ?? ''),
    );
    return { ...report, apiUrl };
  } finally {
    ended.abort();
    for (const role of started.reverse()) await role.stop({ drain: false, timeoutMs: stopMs });
  }
}

async function showProgress(
  runtime: Runtime,
  context: CliContext,
  before: number,
  stop: Stop,
): Promise<void> {
  const progress = startProgress({ what: 'trades committed', stream: context.io.stderr });
  while (!stop.signal.aborted) {
    await sleep(2_000, undefined, { signal: stop.signal }).catch(() => undefined);
    const totals = await ingestTotals(runtime.connection.database, runtime.log).catch(() => undefined);
    if (totals !== undefined) progress.update(totals.committedStream - before);
  }
  progress.stop();
}

/** Everything that differs from a child's own reading of environment and file. */
function childEnvironment(config: Config): Record<string, string> {
  const { dataDir, exchange, symbols, simulatorSpeed, simulatorSeed, apiPort, logLevel } = config;
  const { apiAddressRequests } = config;
  return {
    TICKLAKE_DATA_DIR: dataDir,
    TICKLAKE_EXCHANGE: exchange,
    TICKLAKE_SYMBOLS: symbols.join(','),
    TICKLAKE_SIMULATOR_SPEED: String(simulatorSpeed),
    TICKLAKE_SIMULATOR_SEED: String(simulatorSeed),
    TICKLAKE_API_PORT: String(apiPort),
    TICKLAKE_API_ADDRESS_REQUESTS: String(apiAddressRequests),
    TICKLAKE_LOG_LEVEL: logLevel,
  };
}

interface Stop {
  signal: AbortSignal;
  interrupted(): boolean;
}

function stopSignal(forMs: number | undefined): Stop {
  const controller = new AbortController();
  let interrupted = false;
  let interruptedAt = 0;
  const interrupt = (): void => {
    // The second time, nobody wants to wait for the drain. npm and the terminal both send the first one.
    if (interrupted && Date.now() - interruptedAt > repeatedSignalMs) process.exit(130);
    if (interrupted) return;
    interrupted = true;
    interruptedAt = Date.now();
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  if (forMs !== undefined) setTimeout(() => controller.abort(), forMs);
  return { signal: controller.signal, interrupted: () => interrupted };
}

/** `90s`, `10m`, `1h` or plain seconds, in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Write it as 90s, 10m or 1h.');
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1_000;
  const ms = Number(match[1]) * unit;
  if (ms <= 0 || ms > 2 ** 31 - 1) throw new TicklakeError('USAGE', `--for ${text} is out of range`);
  return ms;
}

function dropUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
