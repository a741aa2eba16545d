import type { Command } from 'commander';
import type { Lake } from '#core/lake/lake.ts';
import { tableNamed } from '#core/lake/listing.ts';
import { rollbackTable } from '#core/lake/rollback.ts';
import type { LakeTable } from '#core/lake/tables.ts';
import { dropTag, listTags, tagSnapshot } from '#core/lake/tags.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface TagCommand {
  snapshot?: string;
  replace?: boolean;
  delete?: boolean;
}

/** `ticklake lake tag` and `ticklake lake rollback`: earlier states of a table, by name and again. */
export function register(lake: Command, context: CliContext): void {
  lake
    .command('tag')
    .argument('<table>', 'such as market.klines')
    .argument('[name]', 'of the tag; without it all tags are listed')
    .option('--snapshot <which>', "a snapshot's id, another tag or a time; default the newest")
    .option('--replace', 'move a tag that is there already')
    .option('--delete', 'drop the tag; its snapshot stays until it expires')
    .description('name a snapshot, which then outlives expiry and can be read with --as-of')
    .addHelpText('after', '\nExample:\n  ticklake lake tag market.klines before-the-load')
    .action(async (name: string, tag: string | undefined, options: TagCommand) => {
      if (tag === undefined && Object.keys(options).length > 0) {
        throw new TicklakeError('USAGE', 'which tag?', {
          remedy: 'Name it: `ticklake lake tag TABLE NAME`.',
        });
      }
      const config = context.config();
      const logger = context.logger('lake', config);
      const tags = await withRuntime(config, 'ingest', 'lake', logger, async ({ lake: opened }) => {
        const named = tableNamed(name);
        if (tag !== undefined) await changeTag(opened, named, tag, options);
        return await listTags(opened, named);
      });
      context.output.result(tags, () =>
        table(
          ['tag', 'snapshot'],
          tags.map((row) => [row.name, String(row.snapshotId)]),
        ),
      );
    });

  lake
    .command('rollback')
    .argument('<table>', 'such as market.klines')
    .requiredOption('--to <which>', "a snapshot's id, a tag, or a time")
    .option('--dry-run', 'say what would be undone, and change nothing')
    .description('set a table back to an earlier snapshot, and its ledger with it')
    .addHelpText(
      'after',
      '\nExample:\n  ticklake lake rollback market.klines --to before-the-load --dry-run' +
        '\n\nWhat is undone is listed by `ticklake gaps list`, and brought again by the backfills.',
    )
    .action(async (name: string, options: { to: string; dryRun?: boolean }) => {
      const config = context.config();
      const logger = context.logger('lake', config);
      const dryRun = options.dryRun === true;
      const done = await withRuntime(config, 'ingest', 'lake', logger, ({ lake: opened }) =>
        rollbackTable(opened, tableNamed(name), options.to, { dryRun }),
      );
      context.output.result({ ...done, dryRun }, () =>
        table(
          ['what', 'value'],
          Object.entries(done).map(([what, value]) => [what, String(value)]),
        ),
      );
    });
}

async function changeTag(lake: Lake, named: LakeTable, tag: string, options: TagCommand): Promise<void> {
  if (options.delete === true) {
    await dropTag(lake, named, tag);
    return;
  }
  await tagSnapshot(lake, named, tag, {
    ...(options.snapshot === undefined ? {} : { asOf: options.snapshot }),
    replace: options.replace === true,
  });
}
