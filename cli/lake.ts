import type { Command } from 'commander';
import { TicklakeError } from '#core/platform/errors.ts';
import { compactTable } from '#core/lake/compact.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { listSnapshots, listTables, tableNamed } from '#core/lake/listing.ts';
import { repairLedger } from '#core/lake/repair.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { lakeTables, tableId } from '#core/lake/tables.ts';
import type { CliContext } from './context.ts';
import * as coverage from './coverage.ts';
import * as history from './lake-history.ts';
import * as maintenance from './lake-maintenance.ts';
import * as quality from './lake-quality.ts';
import { table } from './output.ts';
import { withRuntime, type Runtime } from './runtime.ts';

/** `ticklake lake`: tables, snapshots, files, the catalog's address, and the proof. */
export function register(program: Command, context: CliContext): void {
  const lake = program.command('lake').description('tables of the lake');
  history.register(lake, context);
  maintenance.register(lake, context);
  quality.register(lake, context);
  coverage.register(lake, context);
  const within = async <T>(work: (runtime: Runtime) => Promise<T>): Promise<T> => {
    const config = context.config();
    return await withRuntime(config, 'api', 'lake', context.logger('lake', config), work);
  };

  lake
    .command('tables')
    .description('all tables with their rows, files and newest snapshot')
    .addHelpText('after', '\nExample:\n  ticklake lake tables --json')
    .action(async () => {
      const tables = await within((runtime) => listTables(runtime.lake));
      context.output.result(tables, () =>
        table(
          ['table', 'rows', 'files', 'bytes', 'snapshot', 'metadata'],
          tables.map((row) => [
            row.name,
            row.rows,
            row.files,
            row.bytes,
            row.snapshotId === null ? null : String(row.snapshotId),
            row.metadataLocation,
          ]),
        ),
      );
    });

  lake
    .command('snapshots')
    .argument('<table>', 'such as market.trades')
    .description('snapshots that the table can be read as of, newest first')
    .addHelpText('after', '\nExample:\n  ticklake lake snapshots market.trades')
    .action(async (name: string) => {
      const snapshots = await within((runtime) => listSnapshots(runtime.lake, tableNamed(name)));
      context.output.result(snapshots, () =>
        table(
          ['snapshot', 'at', 'operation', 'added rows', 'total rows', 'tags'],
          snapshots.map((row) => [
            String(row.snapshotId),
            row.at,
            row.operation,
            row.addedRecords,
            row.totalRecords,
            row.tags.join(' '),
          ]),
        ),
      );
    });

  lake
    .command('files')
    .argument('<table>', 'such as market.trades')
    .description('data files of the newest snapshot')
    .addHelpText('after', '\nExample:\n  ticklake lake files market.trades')
    .action(async (name: string) => {
      const { files } = await within((runtime) => currentFiles(runtime.lake, tableNamed(name)));
      context.output.result(files, () => files.join('\n'));
    });

  lake
    .command('compact')
    .argument('[table]', 'one table; all unless named')
    .option('--dry-run', 'say what would be joined, and do nothing')
    .description('join the small files of each partition; safe beside live writers')
    .addHelpText('after', '\nExample:\n  ticklake lake compact market.trades --dry-run')
    .action(async (name: string | undefined, options: { dryRun?: boolean }) => {
      const tables = name === undefined ? lakeTables : [tableNamed(name)];
      const config = context.config();
      const done = await withRuntime(
        config,
        'ingest',
        'lake',
        context.logger('lake', config),
        async (runtime) => {
          const { lake: opened, spillDir } = runtime;
          const dryRun = options.dryRun === true;
          const found = [];
          for (const each of tables) {
            const compactions = await compactTable(opened, each, { spillDir, dryRun });
            found.push(...compactions.map((compaction) => ({ table: tableId(each), ...compaction })));
          }
          return found;
        },
      );
      context.output.result(done, () =>
        table(
          ['table', 'partition', 'files', 'rows', 'bytes before', 'bytes after'],
          done.map((row) => [row.table, row.partition, row.files, row.rows, row.bytesBefore, row.bytesAfter]),
        ),
      );
    });

  lake
    .command('catalog')
    .description('what PyIceberg, Spark and Trino need to open the lake')
    .addHelpText(
      'after',
      '\nExample:\n  ticklake lake catalog --json\n\nThe addresses hold a password: keep them to yourself.',
    )
    .action(async () => {
      const catalog = await within((runtime) => Promise.resolve(catalogAddress(runtime)));
      context.output.result(catalog, () => table(['what', 'value'], Object.entries(catalog)));
    });

  lake
    .command('verify')
    .argument('[table]', 'one table; all unless named')
    .option('--deep', "compare each file's SHA-256 with the one kept at its commit")
    .option(
      '--repair',
      'make the ledger say what the files hold, as after another program set the table back',
    )
    .description('recompute from the Parquet files what is held, and compare it with the ledger')
    .addHelpText('after', '\nExample:\n  ticklake lake verify market.trades --deep')
    .action(async (name: string | undefined, options: { deep?: boolean; repair?: boolean }) => {
      const tables = name === undefined ? lakeTables : [tableNamed(name)];
      if (options.repair === true) {
        await repair(context, name);
        return;
      }
      const verdicts = await within(async (runtime) => {
        const { lake: opened, spillDir } = runtime;
        const found = [];
        for (const each of tables) {
          found.push(
            await verifyTable(opened, each, { spillDir, ...(options.deep === true ? { deep: true } : {}) }),
          );
        }
        return found;
      });
      const listings = verdicts.flatMap((verdict) => verdict.listings);
      const damaged = verdicts.flatMap((verdict) => verdict.damaged);
      context.output.result(listings, () =>
        table(
          [
            'table',
            'source',
            'symbol',
            'interval',
            'ok',
            'held',
            'in files',
            'missing',
            'duplicates',
            'explained',
          ],
          listings.map((row) => [
            row.table,
            row.source,
            row.symbol,
            row.interval,
            row.ok,
            row.held,
            row.inFiles,
            row.missing,
            row.duplicates,
            row.explained,
          ]),
        ),
      );
      if (verdicts.every((verdict) => verdict.ok)) return;
      const places = listings
        .filter((row) => !row.ok)
        .map(({ source, symbol, interval }) => [source, symbol, interval ?? ''].join(' ').trimEnd());
      throw new TicklakeError(
        'DATA_CORRUPT',
        `not as it should be: ${[...places, ...damaged].slice(0, 20).join(', ')}`,
        {
          remedy: 'Missing ids come back by `ticklake up`, which repairs them from REST.',
        },
      );
    });
}

async function repair(context: CliContext, name: string | undefined): Promise<void> {
  if (name === undefined) {
    throw new TicklakeError('USAGE', '--repair changes the ledger of one table', {
      remedy: 'Name it: `ticklake lake verify --repair TABLE`.',
    });
  }
  const config = context.config();
  const logger = context.logger('lake', config);
  const ranges = await withRuntime(config, 'ingest', 'lake', logger, ({ lake: opened, spillDir }) =>
    repairLedger(opened, tableNamed(name), { spillDir }),
  );
  context.output.result(ranges, () =>
    table(
      ['table', 'source', 'listing', 'interval', 'from', 'to', 'is'],
      ranges.map((row) => [
        ...[row.table, row.source, row.listing, row.interval ?? '', row.lo, row.hi],
        row.change,
      ]),
    ),
  );
}

function catalogAddress(runtime: Runtime): Record<string, string> {
  const url = new URL(runtime.connection.analystUrl);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  return {
    sqlalchemy: runtime.connection.analystUrl.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
    jdbc: `jdbc:${url.href}`,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    warehouse: runtime.lake.store.root,
    catalogName: runtime.lake.catalogName,
  };
}
