import { Option, type Command } from 'commander';
import { intervals, type Interval } from '#core/market/interval.ts';
import { detectGaps } from '#pipelines/detect-gaps/detect.ts';
import { listGaps } from '#core/lake/gaps.ts';
import type { CliContext } from './context.ts';
import { instant, symbolList } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';
import { openVenue } from './venue.ts';

interface GapOptions {
  symbols?: string[];
  interval?: Interval;
  from?: Date;
  to?: Date;
  trades?: boolean;
}

/** `ticklake gaps`: Filter 2, and what is missing. */
export function register(program: Command, context: CliContext): void {
  const gaps = program.command('gaps').description('what the lake does not hold, and why');

  windowed(gaps.command('detect'))
    .option('--trades', 'trades by id, in whole days; without --interval instead of bars')
    .description('say what shall be complete, and find what of it is missing')
    .addHelpText('after', '\nExample:\n  ticklake gaps detect --interval 1d --from 2022-01-01')
    .action(async (options: GapOptions) => {
      const config = context.config();
      const logger = context.logger('gaps', config);
      const { interval, trades = false, symbols } = options;
      const { source, wanted, tasks } = await withRuntime(
        config,
        'ingest',
        'gaps',
        logger,
        async (runtime) => {
          const { metrics, connection } = runtime;
          const exchange = await openVenue(config, logger, metrics);
          try {
            return await detectGaps({
              ...{ exchange, database: connection.database, metrics, trades },
              intervals: interval === undefined ? (trades ? [] : ['1d']) : [interval],
              ...(symbols === undefined ? {} : { symbols }),
              ...microseconds(options),
            });
          } finally {
            await exchange.close();
          }
        },
      );
      const rows = tasks.flatMap(({ ranges, ...task }) =>
        ranges.map((range) => ({
          ...{ table: task.table, source: task.source, listing: task.listing, symbol: task.symbol },
          ...{ interval: task.interval, period: task.period },
          ...shown(task.interval, range),
          ...{ kind: 'missing', cause: null },
        })),
      );
      context.output.result(rows, () =>
        table(
          ['table', 'listing', 'interval', 'period', 'missing'],
          tasks.map((task) => [task.table, task.listing, task.interval, task.period, task.count]),
        ),
      );
      context.output.note(`${source}: ${wanted.length} windows are wanted, ${tasks.length} tasks are left`);
    });

  windowed(gaps.command('list'))
    .description('what is missing or explained, as the ledger has it')
    .addHelpText('after', '\nExample:\n  ticklake gaps list --symbols BTCUSDT --interval 1m')
    .action(async (options: GapOptions) => {
      const config = context.config();
      const logger = context.logger('gaps', config);
      const { symbols, interval } = options;
      const found = await withRuntime(config, 'api', 'gaps', logger, ({ connection }) =>
        listGaps(connection.database, {
          ...(symbols === undefined ? {} : { symbols }),
          ...(interval === undefined ? {} : { intervals: [interval] }),
          ...microseconds(options),
        }),
      );
      const rows = found.map((gap) => ({ ...gap, ...shown(gap.interval, gap) }));
      context.output.result(rows, () =>
        table(
          ['table', 'source', 'listing', 'interval', 'from', 'to', 'count', 'kind', 'cause'],
          rows.map((row) => [
            ...[row.table, row.source, row.listing, row.interval, row.from, row.to],
            ...[row.count, row.kind, row.cause],
          ]),
        ),
      );
    });
}

function windowed(command: Command): Command {
  return command
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .addOption(new Option('--interval <interval>', 'of bars').choices(intervals))
    .option('--from <time>', 'a day or an instant in UTC', instant)
    .option('--to <time>', 'up to and without this day or instant', instant);
}

function microseconds({ from, to }: GapOptions): { fromUs?: number; toUs?: number } {
  return {
    ...(from === undefined ? {} : { fromUs: from.getTime() * 1_000 }),
    ...(to === undefined ? {} : { toUs: to.getTime() * 1_000 }),
  };
}

/** Open times as RFC 3339, ids as they are. */
function shown(interval: string | null, { from, to }: { from: number; to: number }) {
  const text = (value: number) => (interval === null ? value : new Date(value / 1_000).toISOString());
  return { from: text(from), to: text(to) };
}
