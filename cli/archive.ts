import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Config } from '#core/platform/config.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { listArchiveFiles, listRestatements } from '#pipelines/restate-archive/files.ts';
import type { CliContext } from './context.ts';
import { positiveInteger, symbolList } from './options.ts';
import { table } from './output.ts';
import { startProgress } from './progress.ts';
import { withRuntime } from './runtime.ts';
import { openVenue, openVenueArchive } from './venue.ts';

interface ListOptions {
  symbols?: string[];
  restated?: boolean;
}

interface RestateOptions {
  source?: string;
  symbols?: string[];
  files?: number;
}

/** `ticklake archive`: files of the bulk archive that were taken, and those that it replaced since. */
export function register(program: Command, context: CliContext): void {
  const archive = program
    .command('archive')
    .description("files of the exchange's bulk archive that were taken");

  archive
    .command('list')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .option('--restated', 'what files that were replaced changed, newest first')
    .description('files with their hashes, the one whose check is the longest ago first')
    .addHelpText('after', '\nExample:\n  ticklake archive list --symbols BTCUSDT --restated')
    .action((options: ListOptions) => list(context, options));

  archive
    .command('restate')
    .option('--source <dir or url>', 'another place of the archive than the configured one')
    .option('--symbols <list>', 'such as BTCUSDT,ETHUSDT; default all', symbolList)
    .option('--files <n>', 'how many files at most; default 2,000', positiveInteger)
    .description('ask whether files were replaced, and take those that were anew')
    .addHelpText(
      'after',
      '\nExample:\n  ticklake archive restate --symbols BTCUSDT' +
        '\n\nThe snapshot before a restatement is tagged: `ticklake sql --as-of <tag>` reads the table as it was.',
    )
    .action((options: RestateOptions) => restate(context, options));
}

async function list(context: CliContext, { symbols, restated }: ListOptions): Promise<void> {
  const config = context.config();
  const logger = context.logger('archive', config);
  const filter = symbols === undefined ? {} : { symbols };
  await withRuntime(config, 'api', 'archive', logger, async ({ connection: { database } }) => {
    if (restated === true) {
      const found = await listRestatements(database, filter);
      context.output.result(found, () =>
        table(
          ['at', 'file', 'added', 'removed', 'changed', 'tag'],
          found.map((row) => [
            ...[row.restatedAt, row.path, row.rowsAdded, row.rowsRemoved, row.rowsChanged, row.tag],
          ]),
        ),
      );
      return;
    }
    const files = await listArchiveFiles(database, filter);
    context.output.result(files, () =>
      table(
        ['source', 'file', 'sha256', 'rows', 'taken', 'checked', 'verdict'],
        files.map((file) => [
          ...[file.source, file.path, file.sha256.slice(0, 12), file.rows],
          ...[file.takenAt, file.checkedAt, file.verdict],
        ]),
      ),
    );
  });
}

async function restate(context: CliContext, options: RestateOptions): Promise<void> {
  const { symbols, files: limit = 2_000 } = options;
  const { restateArchive } = await import('#pipelines/restate-archive/restate.ts');
  const { openArchive } = await import('#core/exchanges/binance/archive/archive.ts');
  const config = context.config();
  const logger = context.logger('archive', config);
  const report = await withRuntime(config, 'ingest', 'archive', logger, async (runtime) => {
    const { lake, metrics, spillDir, connection } = runtime;
    const { source, archive } =
      options.source === undefined
        ? {
            source: await sourceOf(config, logger, metrics),
            archive: await openVenueArchive(config, metrics),
          }
        : { source: 'binance', archive: await openArchive({ location: options.source, metrics }) };
    const files = await listArchiveFiles(connection.database, {
      ...{ source, limit, ...(symbols === undefined ? {} : { symbols }) },
    });
    const bar = startProgress({ what: 'files', stream: context.io.stderr });
    try {
      const progress = (done: number, total: number): void => bar.update(done, total);
      return await restateArchive({ lake, archive, metrics, spillDir, files, run: randomUUID(), progress });
    } finally {
      bar.stop();
    }
  });
  const { checked, same, restated, vanished, damaged } = report;
  for (const { message } of damaged) context.output.note(message);
  for (const path of vanished) context.output.note(`${path} is not in the archive any more; its rows stay`);
  context.output.result(report, () =>
    table(
      ['file', 'added', 'removed', 'changed'],
      restated.map((row) => [row.file, row.added, row.removed, row.changed]),
    ),
  );
  context.output.note(
    `${checked} files were asked about: ${same} are the same, ${restated.length} were restated`,
  );
  if (damaged.length === 0) return;
  throw new TicklakeError('DATA_CORRUPT', `${damaged.length} of ${checked} files cannot be taken anew`, {
    remedy: 'What they brought before stays; ask again later.',
  });
}

/** The configured venue as it stands in the lake. */
async function sourceOf(config: Config, logger: Logger, metrics: Metrics): Promise<string> {
  const exchange = await openVenue(config, logger, metrics);
  const { source } = exchange;
  await exchange.close();
  return source;
}
