import { Option, type Command } from 'commander';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { startProgress } from './progress.ts';
import { withRuntime } from './runtime.ts';

interface TransformOptions {
  interval?: Interval;
  select?: string[];
  fullRefresh?: boolean;
  target: 'duckdb' | 'spark';
}

/** `ticklake transform`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('transform')
    .description('indicators and the other marts, made of bars by dbt')
    .command('run')
    .addOption(
      new Option('--interval <interval>', 'bars of one length alone; default all').choices(intervals),
    )
    .option('--select <models>', 'such as indicators,windows; default all', (text: string) => text.split(','))
    .addOption(
      new Option('--target <engine>', 'what runs the SQL').choices(['duckdb', 'spark']).default('duckdb'),
    )
    .option('--full-refresh', 'make all rows anew, whatever has changed')
    .description('make what has changed, test it, and publish each mart that passed in one commit')
    .addHelpText(
      'after',
      '\nExample:\n  ticklake transform run --interval 1d --json\n\n' +
        'The first run makes the Python environment of dbt, which takes half a minute and the network.\n' +
        'Spark needs Java 17 and, the first time, Maven; SPARK_CONF_DIR names its settings, such as those of a cluster.',
    )
    .action((options: TransformOptions) => run(context, options));
}

async function run(context: CliContext, options: TransformOptions): Promise<void> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  // For good: where nobody else listens, what watches over dbt would end us by the same signal.
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    await transform(context, options, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    context.output.note('interrupted: marts that were published stay, the others are as they were');
    if (context.output.json) context.output.result({ interrupted: true }, () => '');
    process.exitCode = 130;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

async function transform(context: CliContext, options: TransformOptions, signal: AbortSignal): Promise<void> {
  const { runTransforms } = await import('#pipelines/run-transforms/run.ts');
  const { failureOf } = await import('#pipelines/run-transforms/report.ts');
  const { openTransformsPython, openTransformsSpark } =
    await import('#pipelines/run-transforms/environment.ts');
  const { sparkCatalog } = await import('#pipelines/run-transforms/spark/tables.ts');
  const { interval, select: models, fullRefresh, target } = options;
  const config = context.config();
  const logger = context.logger('transform', config);
  const note = (line: string): void => context.output.note(line);
  const making = { note, signal, env: context.io.env };
  const openPython = () => openTransformsPython(config.dataDir, making);
  const open = () => openTransformsSpark(config.dataDir, making);
  const progress = startProgress({ what: 'models and tests', stream: context.io.stderr });
  const intervals = interval === undefined ? undefined : [interval];
  const report = await withRuntime(
    config,
    'ingest',
    'transform',
    logger,
    ({ lake, spillDir, connection }) => {
      const spark =
        target === 'spark' ? { open, catalog: sparkCatalog(lake, connection.analystUrl) } : undefined;
      return runTransforms(
        { lake, spillDir, openPython, spark },
        { models, intervals, fullRefresh, logger, signal, progress: progress.update },
      );
    },
  ).finally(() => progress.stop());
  if (report.models.every(({ status }) => status === 'unchanged')) {
    note('nothing has changed: the marts stay as they are');
  }
  context.output.result(report, () =>
    table(
      ['mart', 'status', 'rows', 'ms', 'snapshot', 'why'],
      report.models.map((row) => [
        ...[row.name, row.status, row.rows, row.ms],
        ...[row.snapshotId === null ? null : String(row.snapshotId), row.because],
      ]),
    ),
  );
  const failure = failureOf(report);
  if (failure !== undefined) throw failure;
}
