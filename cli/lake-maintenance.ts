import type { Command } from 'commander';
import { expireTable, snapshotAgeMsDefault, snapshotsKeptDefault } from '#core/lake/expire.ts';
import { tableNamed } from '#core/lake/listing.ts';
import { fileGraceMs, sweepOrphans } from '#core/lake/orphans.ts';
import { lakeTables, tableId, type LakeTable } from '#core/lake/tables.ts';
import type { CliContext } from './context.ts';
import { age, positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime, type Runtime } from './runtime.ts';

interface ExpireCommand {
  olderThan: number;
  keep: number;
  dryRun?: boolean;
}

interface OrphansCommand {
  olderThan: number;
  delete?: boolean;
}

const dayMs = 86_400_000;

/** `ticklake lake expire` and `ticklake lake orphans`: what the table has no use for any more. */
export function register(lake: Command, context: CliContext): void {
  lake
    .command('expire')
    .argument('[table]', 'one table; all unless named')
    .option('--older-than <time>', 'only snapshots of this age: 12h, 5d', age, snapshotAgeMsDefault)
    .option('--keep <count>', 'the newest so many stay', positiveInteger, snapshotsKeptDefault)
    .option('--dry-run', 'say what would be dropped, and change nothing')
    .description('drop old snapshots, but none that a tag names; their files go by `lake orphans`')
    .addHelpText('after', `\nExample:\n  ticklake lake expire market.trades --older-than 2d --dry-run`)
    .action(async (name: string | undefined, { olderThan, keep, dryRun = false }: ExpireCommand) => {
      const expired = await eachTable(context, name, ({ lake: opened }, each) =>
        expireTable(opened, each, { olderThanMs: olderThan, keepLast: keep, dryRun }),
      );
      context.output.result(expired, () =>
        table(
          ['table', 'snapshot', 'at'],
          expired.map((row) => [row.table, String(row.snapshotId), row.at]),
        ),
      );
    });

  lake
    .command('orphans')
    .argument('[table]', 'one table; all unless named')
    .option(
      '--older-than <time>',
      `only files of this age, default ${fileGraceMs / dayMs}d`,
      age,
      fileGraceMs,
    )
    .option('--delete', 'delete them; otherwise they are only listed')
    .description('files that no snapshot reaches: of snapshots that are gone, and of commits that failed')
    .addHelpText(
      'after',
      '\nExample:\n  ticklake lake orphans market.trades --delete' +
        '\n\nA file is deleted when it was first noted as long ago as --older-than says, and no query begun before that may' +
        '\ngo on: where it says `false`, a later run deletes it.',
    )
    .action(async (name: string | undefined, options: OrphansCommand) => {
      const files = await eachTable(context, name, async ({ lake: opened }, each) => {
        const sweep = { olderThanMs: options.olderThan, remove: options.delete === true };
        const orphans = await sweepOrphans(opened, each, sweep);
        return orphans.map((orphan) => ({ table: tableId(each), ...orphan }));
      });
      context.output.result(files, () =>
        table(
          ['table', 'bytes', 'written', 'deleted', 'file'],
          files.map((row) => [row.table, row.bytes, row.writtenAt, row.deleted, row.path]),
        ),
      );
    });
}

async function eachTable<T>(
  context: CliContext,
  name: string | undefined,
  work: (runtime: Runtime, table: LakeTable) => Promise<T[]>,
): Promise<T[]> {
  const tables = name === undefined ? lakeTables : [tableNamed(name)];
  const config = context.config();
  return await withRuntime(config, 'ingest', 'lake', context.logger('lake', config), async (runtime) => {
    const found: T[] = [];
    for (const each of tables) found.push(...(await work(runtime, each)));
    return found;
  });
}
