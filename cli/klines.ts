import type { Command } from 'commander';
import { isInterval, type Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { listOf, timeOf } from './backfill-options.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { startProgress } from './progress.ts';
import { withRuntime } from './runtime.ts';

interface BackfillOptions {
  source: string;
  symbols?: string;
  interval?: string;
  from?: string;
  to?: string;
  dryRun?: boolean;
}

/** `ticklake klines backfill`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('klines')
    .description('bars as the exchange made them')
    .command('backfill')
    .requiredOption('--source <dir>', "a folder in the layout of the exchange's bulk archive")
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; all unless named')
    .option('--interval <list>', 'such as 1m,1d; all unless named')
    .option('--from <day>', 'bars that open at this UTC day or time, or after')
    .option('--to <day>', 'bars that open before this UTC day or time')
    .option('--dry-run', 'say what would be loaded, and change nothing')
    .description("load bars from the exchange's bulk archive")
    .addHelpText(
      'after',
      '\nExample:\n  ticklake klines backfill --source archive --symbols BTCUSDT --interval 1d --json' +
        '\n\nWith --from or --to, the span between separate files of the archive is expected too: it becomes a gap.',
    )
    .action((options: BackfillOptions) => backfill(context, options));
}

async function backfill(context: CliContext, options: BackfillOptions): Promise<void> {
  const selection = {
    symbols: listOf(options.symbols),
    intervals: listOf(options.interval)?.map(intervalOf),
    fromUs: timeOf(options.from, '--from'),
    toUs: timeOf(options.to, '--to'),
  };
  const { openArchive } = await import('#core/exchanges/binance/archive/archive.ts');
  const { Metrics } = await import('#core/platform/metrics.ts');
  if (options.dryRun === true) {
    const { selectKlineFiles } = await import('#pipelines/backfill-klines/select.ts');
    const archive = await openArchive({ location: options.source, metrics: new Metrics() });
    const files = await selectKlineFiles(archive, selection);
    const plan = { tasks: files.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0 };
    context.output.result({ ...plan, files: files.map((file) => file.path) }, () =>
      [...files.map((file) => file.path), `${files.length} files would be loaded`].join('\n'),
    );
    return;
  }
  const { backfillKlines } = await import('#pipelines/backfill-klines/backfill.ts');
  const config = context.config();
  const logger = context.logger('klines', config);
  const report = await withRuntime(
    config,
    'ingest',
    'klines',
    logger,
    async ({ lake, metrics, spillDir }) => {
      const archive = await openArchive({ location: options.source, metrics });
      const bar = startProgress({ what: 'files', stream: context.io.stderr });
      try {
        const progress = (done: number, total: number): void => bar.update(done, total);
        return await backfillKlines({ ...selection, lake, archive, source: 'binance', spillDir, progress });
      } finally {
        bar.stop();
      }
    },
  );
  for (const { message } of report.failures) context.output.note(message);
  const { failures, ...counts } = report;
  context.output.result(report, () => table(['what', 'count'], Object.entries(counts)));
  if (failures.length === 0) return;
  throw new TicklakeError('DATA_CORRUPT', `${failures.length} of ${report.tasks} files were not loaded`, {
    remedy: 'Fetch them again and repeat the command; all others are in the lake.',
  });
}

function intervalOf(text: string): Interval {
  if (isInterval(text)) return text;
  throw new TicklakeError('USAGE', `${text} is no interval of bars`, {
    remedy: 'Name one such as 1m, 1h or 1d.',
  });
}
