import type { Command } from 'commander';
import { discoverSymbols } from '#pipelines/discover-symbols/discover.ts';
import { defaultRules } from '#pipelines/discover-symbols/rules.ts';
import { listUniverse, type UniverseQuery } from '#pipelines/discover-symbols/universe.ts';
import { publishSymbols } from '#pipelines/publish-symbols/publish.ts';
import type { CliContext } from './context.ts';
import { instant, positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';
import { openVenue } from './venue.ts';

/** `ticklake symbols`: Filter 1, and the universe at any time. */
export function register(program: Command, context: CliContext): void {
  const symbols = program.command('symbols').description('the markets worth having');

  symbols
    .command('discover')
    .option('--top <n>', 'how many coins, by what was traded of them in 24 hours', positiveInteger)
    .option('--dry-run', 'show what would be chosen, and change nothing')
    .description('choose the most liquid markets of the venue, from then on')
    .addHelpText('after', '\nExample:\n  ticklake symbols discover --top 30')
    .action(async ({ top, dryRun = false }: { top?: number; dryRun?: boolean }) => {
      const config = context.config();
      const logger = context.logger('symbols', config);
      const rules = { ...defaultRules, ...(top === undefined ? {} : { top }) };
      const found = await withRuntime(config, 'ingest', 'symbols', logger, async (runtime) => {
        const { metrics, connection, lake, spillDir } = runtime;
        const exchange = await openVenue(config, logger, metrics);
        try {
          const { database } = connection;
          const discovered = await discoverSymbols({ exchange, database, rules, metrics, dryRun });
          if (!dryRun) await publishSymbols(lake, spillDir);
          return discovered;
        } finally {
          await exchange.close();
        }
      });
      const { source, nowUs, entered, left, relisted, dropped } = found;
      const chosen = found.chosen.map(({ market, rank, liquidity }) => {
        return { symbol: market.symbol, base: market.base, quote: market.quote, rank, liquidity };
      });
      const at = new Date(nowUs / 1_000).toISOString();
      context.output.result({ source, at, dryRun, chosen, entered, left, relisted, dropped }, () =>
        table(
          ['rank', 'symbol', 'base', 'quote', 'liquidity'],
          chosen.map((one) => [one.rank, one.symbol, one.base, one.quote, Math.round(one.liquidity)]),
        ),
      );
      context.output.note(
        `${source}: ${chosen.length} chosen, ${dropped.length} dropped, ${entered.length} came in, ${left.length} went out`,
      );
    });

  symbols
    .command('list')
    .option('--as-of <time>', "the universe that held then, by the venue's clock", instant)
    .option('--known-at <time>', 'what was known then, by our clock; default: when it was chosen', instant)
    .description('the universe, as it is or as it was')
    .addHelpText('after', '\nExample:\n  ticklake symbols list --as-of 2024-03-05')
    .action(async (query: UniverseQuery) => {
      const config = context.config();
      const logger = context.logger('symbols', config);
      const members = await withRuntime(config, 'api', 'symbols', logger, ({ connection }) =>
        listUniverse(connection.database, query),
      );
      context.output.result(members, () =>
        table(
          ['rank', 'source', 'symbol', 'listing', 'liquidity', 'valid from', 'valid to', 'recorded'],
          members.map((one) => [
            ...[one.rank, one.source, one.symbol, one.listingId, Math.round(one.liquidity)],
            ...[one.validFrom, one.validTo, one.recordedAt],
          ]),
        ),
      );
    });
}
