import type { Command } from 'commander';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { isInterval, type Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { addBackfillOptions, backfill, selectionOf, type BackfillOptions } from './backfill.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';

interface KlineOptions extends BackfillOptions {
  interval?: Interval[];
  dryRun?: boolean;
}

/** `ticklake klines backfill`. */
export function register(program: Command, context: CliContext): void {
  const command = program.command('klines').description('bars as the exchange made them').command('backfill');
  addBackfillOptions(command)
    .option('--interval <list>', 'such as 1m,1d; all unless named', intervalList)
    .option('--dry-run', 'say what would be loaded, and change nothing')
    .description("load bars from the exchange's bulk archive")
    .addHelpText(
      'after',
      '\nExample:\n  ticklake klines backfill --source archive --symbols BTCUSDT --interval 1d --json' +
        '\n\nWith --from or --to, the span between separate files of the archive is expected too: it becomes a gap.',
    )
    .action((options: KlineOptions) =>
      options.dryRun === true ? plan(context, options) : load(context, options),
    );
}

async function load(context: CliContext, options: KlineOptions): Promise<void> {
  const { backfillKlines } = await import('#pipelines/backfill-klines/backfill.ts');
  await backfill(
    context,
    'klines',
    options,
    (run) => backfillKlines({ ...run, intervals: options.interval }),
    ({ tasks, done, failed, rows, filled, unchanged }) =>
      table(['what', 'count'], Object.entries({ tasks, done, failed, rows, filled, unchanged })),
  );
}

async function plan(context: CliContext, options: KlineOptions): Promise<void> {
  const { selectKlineFiles } = await import('#pipelines/backfill-klines/select.ts');
  const archive = await openArchive({ location: options.source, metrics: new Metrics() });
  const files = await selectKlineFiles(archive, { ...selectionOf(options), intervals: options.interval });
  const paths = files.map((file) => file.path);
  const counts = { tasks: files.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0 };
  context.output.result({ ...counts, files: paths }, () =>
    [...paths, `${files.length} files would be loaded`].join('\n'),
  );
}

function intervalList(text: string): Interval[] {
  return text.split(',').map((name) => intervalOf(name.trim()));
}

function intervalOf(text: string): Interval {
  if (isInterval(text)) return text;
  throw new TicklakeError('USAGE', `${text} is no interval of bars`, {
    remedy: 'Name one such as 1m, 1h or 1d.',
  });
}
