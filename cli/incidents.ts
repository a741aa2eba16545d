import { Option, type Command } from 'commander';
import { listIncidents, type Incident } from '#pipelines/incidents/incident.ts';
import type { CliContext } from './context.ts';
import { instant, positiveInteger, symbolList } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';
import { openVenue } from './venue.ts';

const kinds = ['outage', 'halt', 'delisting', 'relisting', 'maintenance'];

interface ListOptions {
  symbols?: string[];
  kind?: string;
  from?: Date;
  to?: Date;
  knownAt?: Date;
}

/** `ticklake incidents`: what befell venues and markets, and how we know. */
export function register(program: Command, context: CliContext): void {
  const incidents = program.command('incidents').description('outages, halts, ends and begins of markets');

  incidents
    .command('list')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .addOption(new Option('--kind <kind>', 'one kind').choices(kinds))
    .option('--from <time>', 'a day or an instant in UTC', instant)
    .option('--to <time>', 'up to and without this day or instant', instant)
    .option('--known-at <time>', 'what was known then, by our clock', instant)
    .description('incidents with their cause, the oldest first')
    .addHelpText('after', '\nExample:\n  ticklake incidents list --kind outage')
    .action((options: ListOptions) => list(context, options));

  incidents
    .command('find')
    .option('--days <n>', 'days of minute bars that are looked at, back from the newest', positiveInteger)
    .description('find incidents in what is held and listed, and say of missing bars that they are why')
    .addHelpText('after', '\nExample:\n  ticklake incidents find --days 365')
    .action(async ({ days }: { days?: number }) => {
      const { findIncidents } = await import('#pipelines/incidents/find.ts');
      const { incidentDays } = await import('#pipelines/incidents/job.ts');
      const config = context.config();
      const logger = context.logger('incidents', config);
      const found = await withRuntime(config, 'ingest', 'incidents', logger, async (runtime) => {
        const { lake, metrics, spillDir } = runtime;
        const exchange = await openVenue(config, logger, metrics);
        const { source } = exchange;
        await exchange.close();
        return await findIncidents({ lake, source, spillDir, days: days ?? incidentDays });
      });
      const { source, added, corrected, explained } = found;
      const counts = { source, found: found.found.length, added, corrected, explained };
      context.output.result(counts, () => table(['what', 'count'], Object.entries(counts)));
    });
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const { symbols, kind, from, to, knownAt } = options;
  const config = context.config();
  const logger = context.logger('incidents', config);
  const found = await withRuntime(config, 'api', 'incidents', logger, ({ connection }) =>
    listIncidents(connection.database, {
      ...(symbols === undefined ? {} : { symbols }),
      ...(kind === undefined ? {} : { kinds: [kind] }),
      ...(from === undefined ? {} : { fromUs: from.getTime() * 1_000 }),
      ...(to === undefined ? {} : { toUs: to.getTime() * 1_000 }),
      ...(knownAt === undefined ? {} : { knownAt }),
    }),
  );
  context.output.result(found, () =>
    table(['source', 'symbol', 'kind', 'from', 'to', 'cause', 'found by'], found.map(rowOf)),
  );
}

function rowOf({ source, symbol, kind, from, to, cause, foundBy }: Incident): (string | null)[] {
  return [source, symbol, kind, from, to, cause, foundBy];
}
