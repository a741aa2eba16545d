import type { Command } from 'commander';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { isInterval, type Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { Metrics } from '#core/platform/metrics.ts';
import {
  addBackfillOptions,
  backfill,
  backfillFromVenue,
  selectionOf,
  venueSourceOf,
  type BackfillOptions,
} from './backfill.ts';
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
    .option('--interval <list>', 'such as 1m,1d; of a folder all unless named, else daily bars', intervalList)
    .option('--dry-run', 'say what would be brought, and change nothing')
    .description('bring bars that are missing: from the venue, its bulk archive, or a folder')
    .addHelpText(
      'after',
      '\nExamples:\n  ticklake klines backfill --symbols BTCUSDT --interval 1m --from 2024-03-01 --to 2024-03-05' +
        '\n  ticklake klines backfill --source ./market-data/archive --interval 1d --json' +
        '\n\nWithout --symbols, bars of the universe and all that is wanted already. Of a folder, all it holds; with' +
        '\n--from or --to the time between its separate files is expected too: it becomes a gap.',
    )
    .action(async (options: KlineOptions) => {
      if (venueSourceOf(options) !== undefined) return await bring(context, options);
      return await (options.dryRun === true ? plan(context, options) : load(context, options));
    });
}

async function bring(context: CliContext, options: KlineOptions): Promise<void> {
  const { bringBars } = await import('#pipelines/backfill-klines/bring.ts');
  const { dryRun, interval } = options;
  await backfillFromVenue(
    context,
    'klines',
    options,
    (run) => bringBars({ ...run, intervals: interval, dryRun }),
    ({ plan, damaged, failures, source, ...counts }) => {
      if (plan !== undefined) {
        const rows = plan.map(({ what, tasks, cost }) => [what, tasks, cost]);
        return table(['what', 'tasks', 'cost'], rows);
      }
      return [
        table(['what', 'count'], Object.entries(counts)),
        ...(failures.length === 0
          ? damaged.map(({ message }) => `${source}, brought by REST: ${message}`)
          : []),
      ].join('\n');
    },
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
