import type { Command } from 'commander';
import { TicklakeError } from '#core/platform/errors.ts';
import { listOf, timeOf } from './backfill-options.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { startProgress } from './progress.ts';
import { withRuntime } from './runtime.ts';

interface BackfillOptions {
  source: string;
  symbols?: string;
  from?: string;
  to?: string;
}

/** `ticklake trades replay` and `backfill`. */
export function register(program: Command, context: CliContext): void {
  const trades = program.command('trades').description('the tape of trades');
  trades
    .command('replay')
    .argument('<file...>', 'recorded combined streams: `<receive ns> <json>` a line, .gz allowed')
    .option('--speed <n>', 'how many times faster than it was recorded, or max', 'max')
    .description('bring recorded streams through the ordinary ingest')
    .addHelpText('after', '\nExample:\n  ticklake trades replay btcusdt_20240808.jsonl.gz --json')
    .action(async (files: string[], options: { speed: string }) => {
      const { replayTrades } = await import('#pipelines/replay-trades.ts');
      const config = context.config();
      const logger = context.logger('replay', config);
      const report = await withRuntime(config, 'ingest', 'replay', logger, (runtime) =>
        replayTrades({
          ...runtime,
          database: runtime.connection.database,
          files,
          speed: options.speed === 'max' ? 'max' : Number(options.speed),
        }),
      );
      context.output.result({ ...report, apiUrl: null }, () =>
        table(
          ['what', 'count'],
          Object.entries(report).map(([what, count]) => [what, count]),
        ),
      );
    });
  trades
    .command('backfill')
    .requiredOption('--source <dir>', "a folder in the layout of the exchange's bulk archive")
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; all unless named')
    .option('--from <day>', 'files that touch this UTC day or later ones')
    .option('--to <day>', 'files that begin before this UTC day')
    .description("load trades from the exchange's bulk archive")
    .addHelpText('after', '\nExample:\n  ticklake trades backfill --source archive --symbols BTCUSDT --json')
    .action((options: BackfillOptions) => backfill(context, options));
}

async function backfill(context: CliContext, options: BackfillOptions): Promise<void> {
  const selection = {
    symbols: listOf(options.symbols),
    fromUs: timeOf(options.from, '--from'),
    toUs: timeOf(options.to, '--to'),
  };
  const { openArchive } = await import('#core/exchanges/binance/archive/archive.ts');
  const { backfillTrades } = await import('#pipelines/backfill-trades/backfill.ts');
  const config = context.config();
  const logger = context.logger('trades', config);
  const report = await withRuntime(
    config,
    'ingest',
    'trades',
    logger,
    async ({ lake, metrics, spillDir }) => {
      const archive = await openArchive({ location: options.source, metrics });
      const bar = startProgress({ what: 'files', stream: context.io.stderr });
      try {
        const progress = (done: number, total: number): void => bar.update(done, total);
        return await backfillTrades({ ...selection, lake, archive, source: 'binance', spillDir, progress });
      } finally {
        bar.stop();
      }
    },
  );
  for (const { message } of report.failures) context.output.note(message);
  const { failures, differences, ...counts } = report;
  context.output.result(report, () =>
    table(['what', 'count'], Object.entries({ ...counts, differences: differences.length })),
  );
  if (failures.length === 0) return;
  throw new TicklakeError('DATA_CORRUPT', `${failures.length} of ${report.tasks} files were not loaded`, {
    remedy: 'Fetch them again and repeat the command; all others are in the lake.',
  });
}
