import { openArchive, type Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Lake } from '#core/lake/lake.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { CliContext } from './context.ts';
import { instant, symbolList } from './options.ts';
import { startProgress } from './progress.ts';
import { withRuntime } from './runtime.ts';
import type { Command } from 'commander';

/** What is to be loaded from a folder of the exchange's bulk archive. */
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
}

interface Report {
  tasks: number;
  failures: readonly { message: string }[];
}

/** The options that all kinds of data share. */
export function addBackfillOptions(command: Command): Command {
  return command
    .requiredOption('--source <dir>', "a folder in the layout of the exchange's bulk archive")
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; all unless named', symbolList)
    .option('--from <day>', 'this UTC day or time, or later', instant)
    .option('--to <day>', 'before this UTC day or time', instant);
}

export function selectionOf({ symbols, from, to }: BackfillOptions): BackfillSelection {
  return { symbols, fromUs: microseconds(from), toUs: microseconds(to) };
}

/** Runs a loader with progress on stderr, and prints its report; files that failed make the exit code, after it. */
export async function backfill<R extends Report>(
  context: CliContext,
  noun: string,
  options: BackfillOptions,
  load: (run: BackfillRun) => Promise<R>,
  print: (report: R) => string,
): Promise<void> {
  const config = context.config();
  const logger = context.logger(noun, config);
  const report = await withRuntime(config, 'ingest', noun, logger, async ({ lake, metrics, spillDir }) => {
    const archive = await openArchive({ location: options.source, metrics });
    const bar = startProgress({ what: 'files', stream: context.io.stderr });
    try {
      const progress = (done: number, total: number): void => bar.update(done, total);
      return await load({ ...selectionOf(options), lake, archive, source: 'binance', spillDir, progress });
    } finally {
      bar.stop();
    }
  });
  for (const { message } of report.failures) context.output.note(message);
  context.output.result(report, () => print(report));
  if (report.failures.length === 0) return;
  throw new TicklakeError(
    'DATA_CORRUPT',
    `${report.failures.length} of ${report.tasks} files were not loaded`,
    {
      remedy: 'Fetch them again and repeat the command; all others are in the lake.',
    },
  );
}

function microseconds(time: Date | undefined): number | undefined {
  return time === undefined ? undefined : time.getTime() * 1_000;
}
