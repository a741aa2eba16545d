import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closest } from 'fastest-levenshtein';
import { isMissingFile, TicklakeError } from '#core/platform/errors.ts';
import type { QueryParams, QueryValue } from './select.ts';

/** A query kept in a file: its first comment line says what it answers, others name its parameters. */
export interface QueryFile {
  name: string;
  about: string;
  params: QueryFileParam[];
  sql: string;
}

export interface QueryFileParam {
  name: string;
  /** What stands for it where nothing else is given. */
  value: QueryValue;
  about: string;
}

const ours = fileURLToPath(new URL('../../sql/queries', import.meta.url));
/** `-- $days = 7: how many days` */
const paramLine = /^-- \$(\w+) = (.+?): (.+)$/;

/** The queries that come with the lake, in order of their names. */
export async function listQueryFiles(): Promise<QueryFile[]> {
  const files = (await readdir(ours)).filter((file) => file.endsWith('.sql')).sort();
  return await Promise.all(files.map(async (file) => await readAs(join(ours, file), basename(file, '.sql'))));
}

/** One of those by its name, or any file by its path. @throws NOT_FOUND */
export async function readQueryFile(nameOrPath: string, cwd: string): Promise<QueryFile> {
  const isName = /^[\w-]+$/.test(nameOrPath);
  try {
    return await readAs(
      isName ? join(ours, `${nameOrPath}.sql`) : resolve(cwd, nameOrPath),
      basename(nameOrPath, '.sql'),
    );
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    const names = (await listQueryFiles()).map(({ name }) => name);
    throw new TicklakeError('NOT_FOUND', `there is no query ${nameOrPath}`, {
      cause: error,
      remedy: isName
        ? `Is it ${closest(nameOrPath, names)} that is meant? \`ticklake sql --list\` lists them; a file of yours is named by its path, as ./${nameOrPath}.sql.`
        : 'Name a file that is there.',
    });
  }
}

/** What a text has in its comments. */
export function parseQueryFile(name: string, sql: string): QueryFile {
  const comments = sql.split('\n').filter((line) => line.startsWith('-- '));
  const about = comments.find((line) => !paramLine.test(line))?.slice(3) ?? '';
  const params = comments.flatMap((line) => {
    const [, param, value, what] = paramLine.exec(line) ?? [];
    if (param === undefined || value === undefined || what === undefined) return [];
    return [{ name: param, value: parseValue(value), about: what }];
  });
  return { name, about, params, sql };
}

/** The parameters of a file with values in place of its own. */
export function paramsOf({ params }: QueryFile, given: QueryParams): QueryParams {
  return { ...Object.fromEntries(params.map(({ name, value }) => [name, value])), ...given };
}

/** A number, true, false and null as they are; else text, with single quotes around it or without. */
export function parseValue(text: string): QueryValue {
  if (/^'.*'$/s.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

async function readAs(path: string, name: string): Promise<QueryFile> {
  return parseQueryFile(name, await readFile(path, 'utf8'));
}
