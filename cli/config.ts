import type { Command } from 'commander';
import { configDocs, maskedConfig } from '#core/platform/config.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';

/** `ticklake config show`, `ticklake config docs`. */
export function register(program: Command, context: CliContext): void {
  const config = program.command('config').description('the configuration that is in force');

  config
    .command('show')
    .description('print every key with its value; passwords are masked')
    .addHelpText('after', '\nExample:\n  ticklake config show --json')
    .action(() => {
      const shown = maskedConfig(context.config());
      context.output.result(shown, () =>
        table(
          ['key', 'value'],
          Object.entries(shown).map(([key, value]) => [
            key,
            Array.isArray(value) ? value.join(',') : String(value),
          ]),
        ),
      );
    });

  config
    .command('docs')
    .description('print the reference of all keys as Markdown')
    .addHelpText('after', '\nExample:\n  ticklake config docs > docs/configuration.md')
    .action(() => {
      const text = configDocs();
      context.output.result({ markdown: text }, () => text);
    });
}
