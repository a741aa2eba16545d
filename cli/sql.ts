import type { Command } from 'commander';
import { query } from '#core/lake/engine.ts';
import type { CliContext } from './context.ts';
import { table, type Cell } from './output.ts';
import { withRuntime } from './runtime.ts';

interface SqlOptions {
  asOf?: string;
  format: 'table' | 'json' | 'csv';
}

/** `ticklake sql`: read-only SQL over the lake. */
export function register(program: Command, context: CliContext): void {
  program
    .command('sql')
    .argument('<query>', 'one SELECT; tables are named as in `ticklake lake tables`')
    .description('run SQL over the lake')
    .option('--as-of <snapshot>', 'read this snapshot of the table instead of the newest')
    .option('--format <format>', 'table, json or csv', 'table')
    .addHelpText(
      'after',
      '\nExample:\n  ticklake sql "select symbol, count(*) from market.trades group by all"',
    )
    .action(async (sql: string, options: SqlOptions) => {
      const config = context.config();
      const logger = context.logger('sql', config);
      const result = await withRuntime(config, 'api', 'sql', logger, ({ lake, spillDir }) =>
        query(lake, sql, {
          spillDir,
          ...(options.asOf === undefined ? {} : { snapshotId: Number(options.asOf) }),
        }),
      );
      const names = result.columns.map((column) => column.name);
      if (result.truncated) context.output.note(`Only the first ${result.rows.length} rows are shown.`);
      context.output.result(result.rows, () => {
        if (options.format === 'json') return JSON.stringify(result.rows, null, 2);
        const rows = result.rows.map((row) => names.map((name) => row[name] as Cell));
        if (options.format === 'csv')
          return [names, ...rows].map((row) => row.map(csvCell).join(',')).join('\n');
        return table(names, rows);
      });
    });
}

function csvCell(cell: Cell): string {
  const text = cell === null || cell === undefined ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
