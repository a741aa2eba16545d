import { Option, type Command } from 'commander';
import type { Signal } from '#api/schemas/signals.ts';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { CliContext } from './context.ts';
import { instant, positiveInteger, symbolList } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface ListOptions {
  strategy?: string;
  source?: string;
  symbols?: string[];
  interval?: Interval;
  signal?: 'BUY' | 'SELL';
  from?: Date;
  to?: Date;
  limit: number;
}

/** `ticklake signals list`: what strategies said. */
export function register(program: Command, context: CliContext): void {
  program
    .command('signals')
    .description('what strategies say at the close of bars')
    .command('list')
    .option('--strategy <name>', 'one strategy, such as ma_crossover')
    .option('--source <venue>', 'one venue')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .addOption(new Option('--interval <interval>', 'of one length of bars').choices(intervals))
    .addOption(new Option('--signal <signal>', 'one of the two').choices(['BUY', 'SELL']))
    .option('--from <time>', 'of bars that begin on this day or instant in UTC, or later', instant)
    .option('--to <time>', 'of bars that begin before this day or instant', instant)
    .option('--limit <n>', 'most signals', positiveInteger, 100)
    .description('signals, those of the newest bars first')
    .addHelpText('after', '\nExample:\n  ticklake signals list --symbols BTCUSDT --interval 1d')
    .action((options: ListOptions) => list(context, options));
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const { listSignals } = await import('#api/signal-data.ts');
  const { from, to, limit, ...rest } = options;
  const config = context.config();
  const logger = context.logger('signals', config);
  const filter = {
    ...rest,
    ...(from === undefined ? {} : { fromUs: from.getTime() * 1_000 }),
    ...(to === undefined ? {} : { toUs: to.getTime() * 1_000 }),
  };
  const found = await withRuntime(config, 'api', 'signals', logger, ({ connection }) =>
    listSignals(connection.database, filter, { limit }),
  );
  const headings = ['open time', 'strategy', 'source', 'symbol', 'interval', 'signal', 'price', 'reason'];
  context.output.result(found, () => table(headings, found.map(rowOf)));
}

function rowOf(signal: Signal): string[] {
  const { openTime, strategy, source, symbol, interval, price, reason } = signal;
  return [openTime, strategy, source, symbol, interval, signal.signal, price, reason];
}
