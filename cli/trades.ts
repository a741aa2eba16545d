import type { Command } from 'commander';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { TradeBringReport } from '#pipelines/backfill-trades/bring.ts';
import {
  addBackfillOptions,
  backfill,
  backfillFromVenue,
  selectionOf,
  venueSourceOf,
  type BackfillOptions,
} from './backfill.ts';
import type { CliContext } from './context.ts';
import { symbolList } from './options.ts';
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
    .option('--dry-run', 'say what would be brought, and change nothing')
    .description('bring trades that are missing: by id from the venue, by the file from its bulk archive')
    .addHelpText(
      'after',
      '\nExamples:\n  ticklake trades backfill --symbols BTCUSDT --from 2024-03-01 --to 2024-03-05' +
        '\n  ticklake trades backfill --source ./market-data/archive --json' +
        '\n\nWhole days are brought that touch the time from --from to --to; without, since yesterday, and what is wanted' +
        '\nalready; without --symbols, of the universe. Of a folder, all files that touch that time: without --from and --to' +
        '\nall it holds, and time between separate files is not expected.',
    )
    .action(async (options: TradeOptions) => {
      if (venueSourceOf(options) !== undefined) return await bringFromVenue(context, options);
      return await (options.dryRun === true ? planFolder(context, options) : loadFolder(context, options));
    });
  trades
    .command('differences')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .description('trades of which a file of the archive, or REST, says otherwise than what is held')
    .addHelpText('after', '\nExample:\n  ticklake trades differences --symbols BTCUSDT --json')
    .action((options: { symbols?: string[] }) => showDifferences(context, options));
}

interface TradeOptions extends BackfillOptions {
  dryRun?: boolean;
}

async function bringFromVenue(context: CliContext, options: TradeOptions): Promise<void> {
  const { bringTrades } = await import('#pipelines/backfill-trades/bring.ts');
  const { dryRun } = options;
  await backfillFromVenue(
    context,
    'trades',
    options,
    (run) => bringTrades({ ...run, dryRun }),
    ({ plan, ...report }) => {
      if (plan !== undefined) {
        const rows = plan.map((day) => [day.listing, day.day, day.missing]);
        return table(['listing', 'day', 'missing'], rows);
      }
      const { damaged, ...counts } = countsOf(report);
      return [
        table(['what', 'count'], Object.entries(counts)),
        ...report.damaged.map(({ message }) => message),
        ...(damaged > 0 ? [`${damaged} files of the archive are damaged; REST had its turn`] : []),
      ].join('\n');
    },
  );
}

function countsOf(report: TradeBringReport) {
  const { tasks, done, failed, rows, fromArchive, fromRest, explained, missing, unchanged, differing } =
    report;
  const counts = { tasks, done, failed, rows, fromArchive, fromRest, explained, missing, unchanged };
  return { ...counts, differing, damaged: report.damaged.length };
}

async function loadFolder(context: CliContext, options: BackfillOptions): Promise<void> {
  const { backfillTrades } = await import('#pipelines/backfill-trades/backfill.ts');
  await backfill(
    context,
    'trades',
    options,
    backfillTrades,
    ({ tasks, done, failed, rows, filled, unchanged, differing, failures }) =>
      [
        table(['what', 'count'], Object.entries({ tasks, done, failed, rows, filled, unchanged, differing })),
        ...failures.flatMap(({ file, unknown }) => (unknown === undefined ? [] : [`${file}: ${unknown}`])),
      ].join('\n'),
  );
}

async function planFolder(context: CliContext, options: BackfillOptions): Promise<void> {
  const { selectTradeFiles } = await import('#pipelines/backfill-trades/backfill.ts');
  const archive = await openArchive({ location: options.source, metrics: new Metrics() });
  const files = await selectTradeFiles({ archive, ...selectionOf(options) });
  const paths = files.map((file) => file.path);
  const counts = { tasks: files.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0 };
  context.output.result({ ...counts, files: paths }, () =>
    [...paths, `${files.length} files would be loaded`].join('\n'),
  );
}

async function showDifferences(context: CliContext, { symbols }: { symbols?: string[] }): Promise<void> {
  const { listDifferences } = await import('#pipelines/backfill-trades/list-differences.ts');
  const config = context.config();
  const logger = context.logger('trades', config);
  const found = await withRuntime(config, 'api', 'trades', logger, ({ connection }) =>
    listDifferences(connection.database, symbols === undefined ? {} : { symbols }),
  );
  context.output.result(found, () =>
    table(
      ['listing', 'from', 'to', 'count', 'held', 'found', 'origin'],
      found.map((row) => [
        ...[row.listing, row.from, row.to, row.count],
        ...[JSON.stringify(row.held), JSON.stringify(row.found), row.origin],
      ]),
    ),
  );
}
