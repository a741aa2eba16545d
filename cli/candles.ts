import { Option, type Command } from 'commander';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { CliContext } from './context.ts';
import { instant, symbolList } from './options.ts';
import { table } from './output.ts';
import { startProgress } from './progress.ts';
import { withRuntime } from './runtime.ts';

interface CandleOptions {
  symbols?: string[];
  interval?: Interval;
  from?: Date;
  to?: Date;
  all?: boolean;
}

/** `ticklake candles build`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('candles')
    .description('bars of ours, made from trades')
    .command('build')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .addOption(new Option('--interval <interval>', 'one alone; default all').choices(intervals))
    .option('--from <day>', 'this UTC day, or later', instant)
    .option('--to <day>', "up to and without this UTC day; default the venue's today", instant)
    .option('--all', 'also days whose trades have not changed since')
    .description('make candles of the days of trades that are due')
    .addHelpText('after', '\nExample:\n  ticklake candles build --symbols BTCUSDT --json')
    .action((options: CandleOptions) => build(context, options));
}

async function build(
  context: CliContext,
  { symbols, interval, from, to, all }: CandleOptions,
): Promise<void> {
  const { dueDays, groupDays, venueClock } = await import('#pipelines/build-candles/due.ts');
  const { buildCandles } = await import('#pipelines/build-candles/build.ts');
  const config = context.config();
  const logger = context.logger('candles', config);
  const report = await withRuntime(
    config,
    'ingest',
    'candles',
    logger,
    async ({ lake, connection, spillDir }) => {
      const { database } = connection;
      const filter = { symbols, fromDay: dayOf(from), toDay: lastDayBefore(to), all };
      const { days, seq } = await dueDays(database, filter);
      const clock = await venueClock(database);
      const bar = startProgress({ what: 'days', stream: context.io.stderr });
      const done = { days: 0, added: 0, revised: 0, commits: 0 };
      try {
        for (const group of groupDays(days)) {
          const built = await buildCandles({
            ...{ lake, spillDir, group, seq, closedUs: clock(group.source) },
            ...(interval === undefined ? {} : { intervals: [interval] }),
          });
          done.days += built.days;
          done.added += built.added;
          done.revised += built.revised;
          done.commits += built.commitId === null ? 0 : 1;
          bar.update(done.days, days.length);
        }
      } finally {
        bar.stop();
      }
      return done;
    },
  );
  context.output.result(report, () => table(['what', 'count'], Object.entries(report)));
}

function dayOf(time: Date | undefined): string | undefined {
  return time?.toISOString().slice(0, 10);
}

function lastDayBefore(time: Date | undefined): string | undefined {
  return time === undefined ? undefined : dayOf(new Date(time.getTime() - 1));
}
