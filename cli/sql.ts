import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { encodeAnswer, type AnswerFormat } from '#core/lake/answer.ts';
import { query, withQuery, type QueryOptions, type QueryResult } from '#core/lake/engine.ts';
import {
  listQueryFiles,
  paramsOf,
  parseValue,
  readQueryFile,
  type QueryFile,
} from '#core/lake/query-files.ts';
import type { QueryParams } from '#core/lake/select.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { CliContext } from './context.ts';
import { positiveInteger } from './options.ts';
import { table, type Cell } from './output.ts';
import { withRuntime } from './runtime.ts';

const formats = ['table', 'json', 'csv', 'arrow'] as const;

interface SqlOptions {
  asOf?: string;
  file?: string;
  format: (typeof formats)[number];
  list?: true;
  param: QueryParams;
  seconds?: number;
}

/** `ticklake sql`: read-only SQL over the lake. */
export function register(program: Command, context: CliContext): void {
  program
    .command('sql')
    .argument('[query]', 'one SELECT; tables are named as in `ticklake lake tables`; - reads it from stdin')
    .description('run SQL over the lake')
    .option('--as-of <point>', "a snapshot's id, a tag or a time (UTC) instead of the newest")
    .option('--file <name>', 'a query that comes with ticklake (--list), or the path of a file')
    .option('--list', 'list the queries that come with ticklake')
    .option('--param <name=value>', 'a value for $name in the text; as often as needed', addParam, {})
    .option('--seconds <n>', 'longest it may take; without it, until Ctrl-C', positiveInteger)
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
  ticklake sql "from market.trades where symbol = \\$symbol" --param symbol=BTCUSDT --format arrow > trades.arrow
  ticklake sql --list
  ticklake sql --file top-movers --param days=30`,
    )
    .action(async (asked: string | undefined, options: SqlOptions) => {
      if (options.list === true) return showList(context, await listQueryFiles());
      const { sql, params } = await queryOf(asked, options, context);
      const config = context.config();
      const logger = context.logger('sql', config);
      await withRuntime(config, 'api', 'sql', logger, async ({ lake, spillDir }) => {
        const { asOf, format, seconds } = options;
        const settings: QueryOptions = {
          ...{ spillDir, params },
          ...(asOf === undefined ? {} : { asOf }),
          ...(seconds === undefined ? {} : { signal: AbortSignal.timeout(seconds * 1_000) }),
        };
        if (format === 'arrow' || format === 'csv') {
          await withQuery(lake, sql, settings, async (result) => {
            await write(
              context,
              encodeAnswer(result, { format: format satisfies AnswerFormat, bounds }).parts,
            );
          });
        } else print(context, await query(lake, sql, settings), format);
      });
    });
}

const bounds = { rowsMax: Infinity, bytesMax: Infinity };

async function queryOf(
  asked: string | undefined,
  { file, param }: SqlOptions,
  context: CliContext,
): Promise<{ sql: string; params: QueryParams }> {
  if ((asked === undefined) === (file === undefined)) {
    throw new TicklakeError('USAGE', 'there is either a query or --file', {
      remedy: 'See `ticklake sql --help`; `ticklake sql --list` lists the queries that come with ticklake.',
    });
  }
  if (file === undefined) {
    return {
      sql: asked === '-' || asked === undefined ? await text(context.io.stdin) : asked,
      params: param,
    };
  }
  const found = await readQueryFile(file, context.io.cwd);
  return { sql: found.sql, params: paramsOf(found, param) };
}

function addParam(text: string, params: QueryParams): QueryParams {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('It has the form name=value.');
  return { ...params, [name]: parseValue(value) };
}

function showList(context: CliContext, files: readonly QueryFile[]): void {
  const listed = files.map(({ name, about, params }) => ({ name, about, params }));
  context.output.result(listed, () =>
    listed
      .map(({ name, about, params }) =>
        [
          name,
          `  ${about}`,
          ...params.map(
            ({ name: param, value, about: what }) => `  --param ${param}=${String(value)}  ${what}`,
          ),
        ].join('\n'),
      )
      .join('\n\n'),
  );
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

async function write(context: CliContext, parts: AsyncIterable<Uint8Array>): Promise<void> {
  await pipeline(Readable.from(parts), context.io.stdout, { end: false });
}
