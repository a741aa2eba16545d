import { openArchive, type Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { openBudget } from '#core/jobs/budget.ts';
import type { Lake } from '#core/lake/lake.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { CliContext } from './context.ts';
import { instant, symbolList } from './options.ts';
import { startProgress } from './progress.ts';
import { withRuntime, type Runtime } from './runtime.ts';
import { budgetOf, openVenue, openVenueArchive } from './venue.ts';
import type { Command } from 'commander';

/** What is to be brought, and where from: `auto`, `rest` or `archive` of the configured venue, or a folder. */
export interface BackfillOptions {
  source: string;
  symbols?: string[];
  from?: Date;
  to?: Date;
}

export interface BackfillSelection {
  symbols?: string[] | undefined;
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

/** What a loader is given. */
export interface BackfillRun extends BackfillSelection {
  lake: Lake;
  archive: Archive;
  source: string;
  spillDir: string;
  progress: (done: number, total: number) => void;
  /** Aborted by Ctrl-C: what was committed stays. */
  signal: AbortSignal;
}

/** What is given to who asks the configured venue. */
export interface VenueRun extends Omit<BackfillRun, 'archive' | 'source'> {
  exchange: Exchange;
  openArchive: () => Promise<Archive>;
  from: VenueSource;
}

export const venueSources = ['auto', 'rest', 'archive'] as const;
export type VenueSource = (typeof venueSources)[number];

/** Where the configured venue is to be asked; undefined where the source is a folder. */
export function venueSourceOf({ source }: BackfillOptions): VenueSource | undefined {
  return venueSources.find((known) => known === source);
}

interface Report {
  tasks: number;
  failures: readonly { message: string }[];
}

/** The options that all kinds of data share. */
export function addBackfillOptions(command: Command): Command {
  return command
    .option(
      '--source <where>',
      "rest, archive (the venue's), auto (the cheapest that has it), or a folder in the layout of the archive",
      'auto',
    )
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; all unless named', symbolList)
    .option('--from <day>', 'this UTC day or time, or later', instant)
    .option('--to <day>', 'before this UTC day or time', instant);
}

export function selectionOf({ symbols, from, to }: BackfillOptions): BackfillSelection {
  return { symbols, fromUs: microseconds(from), toUs: microseconds(to) };
}

/** Runs a loader of a folder with progress on stderr, and prints its report; what failed makes the exit code, after it. */
export async function backfill<R extends Report>(
  context: CliContext,
  noun: string,
  options: BackfillOptions,
  load: (run: BackfillRun) => Promise<R>,
  print: (report: R) => string,
): Promise<void> {
  await reported(context, noun, 'files', print, async ({ lake, metrics, spillDir }, progress, signal) => {
    const archive = await openArchive({ location: options.source, metrics });
    const run = { lake, archive, source: 'binance', spillDir, progress, signal };
    return await load({ ...selectionOf(options), ...run });
  });
}

/** The same of the configured venue, whose request weight is shared with jobs that run meanwhile. */
export async function backfillFromVenue<R extends Report>(
  context: CliContext,
  noun: string,
  options: BackfillOptions,
  load: (run: VenueRun) => Promise<R>,
  print: (report: R) => string,
): Promise<void> {
  const from = venueSourceOf(options) ?? 'auto';
  await reported(context, noun, noun, print, async (runtime, progress, signal) => {
    const { config, logger, metrics, lake, spillDir, connection } = runtime;
    const { database } = connection;
    const budget = openBudget({ database, logger, metrics, limits: {}, defaultLimit: budgetOf(config) });
    const exchange = await openVenue(config, logger, metrics, budget);
    try {
      const openArchive = () => openVenueArchive(config, metrics);
      const run = { exchange, openArchive, from, lake, spillDir, progress, signal };
      return await load({ ...selectionOf(options), ...run });
    } finally {
      await exchange.close();
    }
  });
}

async function reported<R extends Report>(
  context: CliContext,
  noun: string,
  what: string,
  print: (report: R) => string,
  work: (runtime: Runtime, progress: BackfillRun['progress'], signal: AbortSignal) => Promise<R>,
): Promise<void> {
  const config = context.config();
  const logger = context.logger(noun, config);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const report = await withRuntime(config, 'ingest', noun, logger, async (runtime) => {
    const bar = startProgress({ what, stream: context.io.stderr });
    try {
      return await work(runtime, (done, total) => bar.update(done, total), stop.signal);
    } finally {
      bar.stop();
    }
  }).finally(() => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  });
  for (const { message } of report.failures) context.output.note(message);
  context.output.result(report, () => print(report));
  if (stop.signal.aborted) {
    context.output.note('stopped: what was committed stays, and the same command brings the rest');
    process.exitCode = 130;
  }
  if (report.failures.length === 0) return;
  throw new TicklakeError('DATA_CORRUPT', `${report.failures.length} of ${report.tasks} were not loaded`, {
    remedy: 'Repeat the command, for files after fetching them again; all others are in the lake.',
  });
}

function microseconds(time: Date | undefined): number | undefined {
  return time === undefined ? undefined : time.getTime() * 1_000;
}
