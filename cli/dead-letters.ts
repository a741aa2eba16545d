import type { Command } from 'commander';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from '#pipelines/dead-letters.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { withRuntime, type Runtime } from './runtime.ts';

/** `ticklake dead-letters`: what was refused, why, and again. */
export function register(program: Command, context: CliContext): void {
  const letters = program.command('dead-letters').description('records that were refused');
  const within = async <T>(work: (runtime: Runtime) => Promise<T>): Promise<T> => {
    const config = context.config();
    return await withRuntime(config, 'ingest', 'dead-letters', context.logger('dead-letters', config), work);
  };

  letters
    .command('list')
    .option('--limit <n>', 'how many, newest first', '100')
    .description('what was refused, and why')
    .addHelpText('after', '\nExample:\n  ticklake dead-letters list --limit 20')
    .action(async ({ limit }: { limit: string }) => {
      const rows = await within(({ connection }) => listDeadLetters(connection.database, Number(limit)));
      context.output.result(rows, () =>
        table(
          ['id', 'partition', 'offset', 'source', 'symbol', 'trade id', 'reason', 'raw'],
          rows.map((row) => [
            row.id,
            row.partition,
            row.offset,
            row.source,
            row.symbol,
            row.tradeId,
            row.reason,
            row.raw.slice(0, 60),
          ]),
        ),
      );
    });

  letters
    .command('show')
    .argument('<id>', 'as `list` shows it')
    .description('one refused record, whole')
    .addHelpText('after', '\nExample:\n  ticklake dead-letters show 12')
    .action(async (id: string) => {
      const letter = await within(({ connection }) => showDeadLetter(connection.database, Number(id)));
      context.output.result(letter, () =>
        table(
          ['what', 'value'],
          Object.entries(letter).map(([what, value]) => [
            what,
            value instanceof Date ? value.toISOString() : value,
          ]),
        ),
      );
    });

  letters
    .command('replay')
    .argument('[id...]', 'as `list` shows them; all that were not replayed unless named')
    .description('put refused records on the log again, to be judged anew')
    .addHelpText('after', '\nExample:\n  ticklake dead-letters replay 12 13')
    .action(async (ids: string[]) => {
      const replayed = await within(({ connection, log }) =>
        replayDeadLetters(connection.database, log, ids.map(Number)),
      );
      context.output.result({ replayed }, () => `${replayed} records are on the log again`);
    });
}
