import { Option, type Command } from 'commander';
import { proveDays, proveListings, type ProofFilter } from '#core/lake/proof.ts';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { CliContext } from './context.ts';
import { instant } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface CoverageOptions {
  by: 'listing' | 'day';
  asOf?: string;
  source?: string;
  symbol?: string;
  interval?: Interval;
  from?: Date;
  to?: Date;
}

const daysMax = 100_000;

/** `ticklake lake coverage`: the proof, by listing or by day, now or as of an earlier commit. */
export function register(lake: Command, context: CliContext): void {
  lake
    .command('coverage')
    .argument('[table]', 'one table; all unless named')
    .addOption(new Option('--by <what>', 'a row for each').choices(['listing', 'day']).default('listing'))
    .option('--as-of <moment>', "a snapshot's id, a tag or a time: what was held then")
    .option('--source <name>', 'venue')
    .option('--symbol <name>', 'market')
    .addOption(new Option('--interval <interval>', 'of bars').choices(intervals))
    .option('--from <day>', 'with --by day, the first day', instant)
    .option('--to <day>', 'with --by day, up to and without this day', instant)
    .description('what is expected, held, explained and missing, as the ledger has it')
    .addHelpText('after', '\nExample:\n  ticklake lake coverage market.klines --by day --as-of 2026-03-01')
    .action(async (name: string | undefined, options: CoverageOptions) => {
      const config = context.config();
      const { rows, moments } = await withRuntime(
        config,
        'api',
        'lake',
        context.logger('lake', config),
        async ({ lake }) => {
          const filter = proofFilter(name, options);
          if (options.by === 'listing') return await proveListings(lake, filter);
          const { from, to } = options;
          return await proveDays(lake, {
            ...filter,
            ...(from === undefined ? {} : { fromDay: dayOf(from) }),
            ...(to === undefined ? {} : { toDay: dayOf(to) }),
            limit: daysMax,
          });
        },
      );
      context.output.result(rows, () =>
        table(
          ['table', 'source', 'listing', 'interval', 'day', 'expected', 'held', 'explained', 'missing'],
          rows.map((row) => [
            ...[row.table, row.source, row.listing, row.interval, 'day' in row ? row.day : null],
            ...[row.expected, row.held, row.explained, row.missing],
          ]),
        ),
      );
      for (const { table: of, snapshotId, committedAt } of moments) {
        if (committedAt !== null)
          context.output.note(`${of}: snapshot ${snapshotId ?? 'none'} of ${committedAt}`);
      }
      if (rows.length === daysMax) context.output.note(`only the first ${daysMax} days are shown`);
    });
}

function proofFilter(name: string | undefined, options: CoverageOptions): ProofFilter {
  const { asOf, source, symbol, interval } = options;
  return {
    ...(name === undefined ? {} : { table: name }),
    ...(asOf === undefined ? {} : { asOf }),
    ...(source === undefined ? {} : { source }),
    ...(symbol === undefined ? {} : { symbol }),
    ...(interval === undefined ? {} : { interval }),
  };
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
