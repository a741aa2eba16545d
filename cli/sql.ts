import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBResult } from '@duckdb/node-api';
import { Option, type Command } from 'commander';
import { arrowStream } from '#core/lake/arrow.ts';
import { query, withQuery, type QueryResult } from '#core/lake/engine.ts';
import type { CliContext } from './context.ts';
import { table, type Cell } from './output.ts';
import { withRuntime } from './runtime.ts';

const formats = ['table', 'json', 'csv', 'arrow'] as const;

interface SqlOptions {
  asOf?: string;
  format: (typeof formats)[number];
}

/** `ticklake sql`: read-only SQL over the lake. */
export function register(program: Command, context: CliContext): void {
  program
    .command('sql')
    .argument('<query>', 'one SELECT; tables are named as in `ticklake lake tables`')
    .description('run SQL over the lake')
    .option('--as-of <point>', "a snapshot's id, a tag or a time (UTC) instead of the newest")
    .addOption(
      new Option('--format <format>', 'csv and arrow (an IPC stream) have no limit of rows')
        .choices(formats)
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  ticklake sql "select symbol, count(*) from market.trades group by all"
  ticklake sql "select count(*) from market.trades" --as-of 2026-03-01T12:00:00Z
  ticklake sql "from market.trades" --format arrow > trades.arrow`,
    )
    .action(async (sql: string, { asOf, format }: SqlOptions) => {
      const config = context.config();
      const logger = context.logger('sql', config);
      await withRuntime(config, 'api', 'sql', logger, async ({ lake, spillDir }) => {
        const options = { spillDir, ...(asOf === undefined ? {} : { asOf }) };
        if (format === 'arrow')
          await withQuery(lake, sql, options, (result) => write(context, arrowStream(result)));
        else if (format === 'csv')
          await withQuery(lake, sql, options, (result) => write(context, csvLines(result)));
        else print(context, await query(lake, sql, options), format);
      });
    });
}

function print(context: CliContext, result: QueryResult, format: 'table' | 'json'): void {
  const names = result.columns.map((column) => column.name);
  if (result.truncated) {
    context.output.note(`Only the first ${result.rows.length} rows are shown; --format csv has no limit.`);
  }
  context.output.result(result.rows, () => {
    if (format === 'json') return JSON.stringify(result.rows, null, 2);
    return table(
      names,
      result.rows.map((row) => names.map((name) => row[name] as Cell)),
    );
  });
}

async function write(context: CliContext, parts: AsyncIterable<string | Uint8Array>): Promise<void> {
  await pipeline(Readable.from(parts), context.io.stdout, { end: false });
}

async function* csvLines(result: DuckDBResult): AsyncGenerator<string> {
  yield csvLine(result.deduplicatedColumnNames());
  for await (const rows of result.yieldRowsJson()) {
    yield rows.map((row) => csvLine(row as readonly Cell[])).join('');
  }
}

function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(cell: Cell): string {
  const text =
    cell === null || cell === undefined ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
