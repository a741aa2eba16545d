import { BIGINT, StatementType, type DuckDBPreparedStatement, type DuckDBType } from '@duckdb/node-api';
import { TicklakeError } from '#core/platform/errors.ts';
import { literal, type DuckDb } from './duckdb.ts';

export type QueryValue = string | number | boolean | null;

/** What a `$name` of the text stands for. */
export type QueryParams = Readonly<Record<string, QueryValue>>;

/** From here on this DuckDB reads these files and nothing else: no other file, no network, no settings to change. */
export async function lockDown(duck: DuckDb, files: readonly string[]): Promise<void> {
  if (files.length > 0) await duck.run(`set allowed_paths = [${files.map(literal).join(', ')}]`);
  await duck.run('set enable_external_access = false');
  await duck.run('set lock_configuration = true');
}

/**
 * The one statement of a text, which must read only. DuckDB lets statements write wherever they may read, over the lake's
 * files too, so only a SELECT may run, or the plan of one.
 * @throws QUERY_INVALID
 */
export async function prepareSelect(
  duck: DuckDb,
  sql: string,
  params: QueryParams = {},
): Promise<DuckDBPreparedStatement> {
  const statements = await duck.connection.extractStatements(sql);
  const last = statements.count - 1;
  if (last < 0 || (last > 0 && isSeveral(sql))) {
    throw new TicklakeError('QUERY_INVALID', `the text holds ${statements.count} statements`, {
      remedy: 'Send one SELECT at a time.',
    });
  }
  // A PIVOT that does not list its columns is several statements: first, types are made of what it finds.
  for (let index = 0; index < last; index++) {
    const before = await statements.prepare(index);
    if (before.statementType !== StatementType.CREATE) throw notReading();
    await before.run();
  }
  const statement = await statements.prepare(last);
  if (!(await isReading(duck, sql, statement.statementType))) throw notReading();
  bind(statement, params);
  return statement;
}

/** Whether who wrote a text may have written several statements; those that DuckDB makes of one have nothing between. */
function isSeveral(sql: string): boolean {
  return sql.trim().slice(0, -1).includes(';');
}

function notReading(): TicklakeError {
  return new TicklakeError('QUERY_INVALID', 'the statement is no SELECT', {
    remedy: 'The lake is read-only here: send a SELECT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN.',
  });
}

/** `explain analyze` runs what it explains. */
async function isReading(duck: DuckDb, sql: string, type: StatementType): Promise<boolean> {
  if (type !== StatementType.EXPLAIN) return type === StatementType.SELECT;
  const explained = /^\s*explain\s+(?:analyze\s+)?(.+)$/is.exec(sql)?.[1];
  if (explained === undefined) return false;
  const statements = await duck.connection.extractStatements(explained);
  return statements.count === 1 && (await statements.prepare(0)).statementType === StatementType.SELECT;
}

function bind(statement: DuckDBPreparedStatement, params: QueryParams): void {
  const wanted = Array.from({ length: statement.parameterCount }, (_, index) =>
    statement.parameterName(index + 1),
  );
  const missing = wanted.filter((name) => params[name] === undefined);
  const unknown = Object.keys(params).filter((name) => !wanted.includes(name));
  if (missing.length > 0) {
    throw new TicklakeError('QUERY_INVALID', `no value was given for ${listed(missing)}`, {
      remedy: 'Give each parameter of the text a value, by its name without the $.',
    });
  }
  if (unknown.length > 0) {
    throw new TicklakeError('QUERY_INVALID', `the text has no parameter ${listed(unknown)}`, {
      remedy: `Its parameters are ${wanted.length === 0 ? 'none' : listed(wanted)}.`,
    });
  }
  const odd = wanted.filter((name) => params[name] !== null && typeof params[name] === 'object');
  if (odd.length > 0) {
    throw new TicklakeError('QUERY_INVALID', `the value of ${listed(odd)} is a list or an object`, {
      remedy: 'A value is text, a number, true, false or null.',
    });
  }
  if (wanted.length === 0) return;
  const whole = Object.entries(params).filter(([, value]) => Number.isSafeInteger(value));
  const types: Record<string, DuckDBType> = Object.fromEntries(whole.map(([name]) => [name, BIGINT]));
  const values = Object.fromEntries(whole.map(([name, value]) => [name, BigInt(Number(value))]));
  statement.bind({ ...params, ...values }, types);
}

function listed(names: readonly string[]): string {
  return names.map((name) => `$${name}`).join(', ');
}
