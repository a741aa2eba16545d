import type { Command } from 'commander';
import { addBackfillOptions, backfill, type BackfillOptions } from './backfill.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

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
  addBackfillOptions(trades.command('backfill'))
    .description("load trades from the exchange's bulk archive; files that touch the span are loaded whole")
    .addHelpText('after', '\nExample:\n  ticklake trades backfill --source archive --symbols BTCUSDT --json')
    .action(async (options: BackfillOptions) => {
      const { backfillTrades } = await import('#pipelines/backfill-trades/backfill.ts');
      await backfill(
        context,
        'trades',
        options,
        backfillTrades,
        ({ tasks, done, failed, rows, filled, unchanged, differences }) =>
          table(
            ['what', 'count'],
            Object.entries({ tasks, done, failed, rows, filled, unchanged, differences: differences.length }),
          ),
      );
    });
}
