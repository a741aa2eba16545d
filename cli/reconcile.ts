import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { CliContext } from './context.ts';
import { instant, symbolList, wholeNumber } from './options.ts';
import { table } from './output.ts';
import { startProgress } from './progress.ts';
import { withRuntime, type Runtime } from './runtime.ts';
import { openVenue } from './venue.ts';

interface ReconcileOptions {
  symbols?: string[];
  interval?: Interval;
  from?: Date;
  to?: Date;
  rest: number;
  seed?: string;
}

/** `ticklake reconcile`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('reconcile')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .addOption(new Option('--interval <interval>', 'one alone; default all').choices(intervals))
    .option('--from <time>', 'bars from this day or instant in UTC on', instant)
    .option('--to <time>', 'up to and without this day or instant', instant)
    .option(
      '--rest <n>',
      "spans of up to 1000 bars to ask the exchange's REST for; 0 asks it nothing",
      wholeNumber,
      20,
    )
    .option('--seed <text>', 'which of them; the same for the same text')
    .description('compare candles, bars that are held and bars of REST, and print where they differ')
    .addHelpText('after', '\nExample:\n  ticklake reconcile --symbols BTCUSDT --interval 1m --rest 0')
    .action((options: ReconcileOptions) => reconcile(context, options));
}

async function reconcile(context: CliContext, options: ReconcileOptions): Promise<void> {
  const config = context.config();
  const logger = context.logger('reconcile', config);
  const findings = await withRuntime(config, 'ingest', 'reconcile', logger, async (runtime) => {
    await compare(context, runtime, options);
    const { listFindings } = await import('#pipelines/reconcile/findings.ts');
    const { symbols, intervals } = filterOf(options);
    return await listFindings(runtime.connection.database, { symbols, intervals });
  });
  context.output.result(findings, () =>
    table(
      ['table', 'source', 'symbol', 'interval', 'open time', 'field', 'values', 'trusted', 'reason'],
      findings.map((row) => [
        ...[row.table, row.source, row.symbol, row.interval, row.openTime, row.field],
        Object.entries(row.values)
          .map(([channel, value]) => `${channel} ${value ?? 'none'}`)
          .join(', '),
        ...[row.trusted, row.reason],
      ]),
    ),
  );
}

async function compare(context: CliContext, runtime: Runtime, options: ReconcileOptions): Promise<void> {
  const { reconcileMonth, reconcileWithRest } = await import('#pipelines/reconcile/reconcile.ts');
  const { comparableMonths, sampleWindows } = await import('#pipelines/reconcile/windows.ts');
  const { pruneFindings } = await import('#pipelines/reconcile/findings.ts');
  const { config, logger, metrics, connection } = runtime;
  const { database } = connection;
  const filter = filterOf(options);
  const run = randomUUID();
  await pruneFindings(database);
  const months = await comparableMonths(database, filter);
  const bar = startProgress({ what: 'months', stream: context.io.stderr });
  try {
    for (const [i, month] of months.entries()) {
      await reconcileMonth(runtime, month, filter, { run });
      bar.update(i + 1, months.length);
    }
  } finally {
    bar.stop();
  }
  const count = options.rest;
  if (count === 0) return;
  const exchange = await openVenue(config, logger, metrics);
  try {
    const windows = await sampleWindows(database, exchange.source, filter, {
      count,
      seed: options.seed ?? run,
    });
    const { bars } = await reconcileWithRest(runtime, exchange, windows, { run });
    context.output.note(`${exchange.source} was asked for ${windows.length} spans and gave ${bars} bars`);
  } finally {
    await exchange.close();
  }
}

function filterOf({ symbols, interval, from, to }: ReconcileOptions) {
  return {
    symbols,
    intervals: interval === undefined ? undefined : [interval],
    fromUs: from === undefined ? undefined : from.getTime() * 1_000,
    toUs: to === undefined ? undefined : to.getTime() * 1_000,
  };
}
