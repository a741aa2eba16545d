import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Value } from 'typebox/value';
import { configKeys, configSchema, type ConfigProperty } from './config-schema.ts';
import { messageOf } from './errors.ts';

/** What one place says: entries not yet checked against the schema, and what could not be read. */
export interface ConfigSource {
  entries: { key: string; /** The key as the place writes it. */ name: string; value: unknown }[];
  problems: string[];
  /** All names the place could have used. */
  names: string[];
}

/** Names of the environment that are ours but not part of the configuration. */
const otherNames = [
  'TICKLAKE_CONFIG',
  'TICKLAKE_MARKET_DATA',
  'TICKLAKE_REQUIRE',
  'TICKLAKE_TEST_SEED',
  'TICKLAKE_TEST_KILLS',
];

/** `apiPort` → `TICKLAKE_API_PORT`. */
export function envName(key: string): string {
  return `TICKLAKE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `TICKLAKE_…` variables, and `TICKLAKE_…_FILE` for values kept in files; empty ones count as not set. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): ConfigSource {
  const keyOf = new Map<string, string>(configKeys.map((key) => [envName(key), key]));
  const source: ConfigSource = { entries: [], problems: [], names: [...keyOf.keys()] };
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('TICKLAKE_') || text === undefined || text === '' || otherNames.includes(name))
      continue;
    const key = keyOf.get(name);
    const secretKey = keyOf.get(name.replace(/_FILE$/, ''));
    if (key === undefined && name.endsWith('_FILE') && secretKey !== undefined) {
      addSecret(source, env, { name, key: secretKey, path: resolve(cwd, text) });
    } else {
      source.entries.push({ key: key ?? name, name, value: key === undefined ? text : fromText(key, text) });
    }
  }
  return source;
}

/** The JSON file that is named, else `ticklake.json` where there is one. */
export function readFile(path: string | undefined, cwd: string): ConfigSource {
  const source: ConfigSource = { entries: [], problems: [], names: [...configKeys] };
  const named = path !== undefined && path !== '';
  const file = resolve(cwd, named ? path : 'ticklake.json');
  if (!named && !existsSync(file)) return source;
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      source.problems.push(`${file} is not a JSON object of keys and values`);
      return source;
    }
    source.entries = Object.entries(content).map(([key, value]) => ({ key, name: key, value }));
  } catch (error) {
    source.problems.push(`${file} cannot be read as JSON (${messageOf(error)})`);
  }
  return source;
}

export function readOverrides(overrides: Readonly<Record<string, unknown>>): ConfigSource {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  return {
    entries: given.map(([key, value]) => ({
      key,
      name: key,
      value: typeof value === 'string' ? fromText(key, value) : value,
    })),
    problems: [],
    names: [...configKeys],
  };
}

function addSecret(
  source: ConfigSource,
  env: Readonly<Record<string, string | undefined>>,
  secret: { name: string; key: string; path: string },
): void {
  const plainName = envName(secret.key);
  if (env[plainName] !== undefined && env[plainName] !== '') {
    source.problems.push(`${plainName} and ${secret.name} are both set, allowed is one of them`);
    return;
  }
  try {
    const text = readFileSync(secret.path, 'utf8').trim();
    source.entries.push({ key: secret.key, name: secret.name, value: fromText(secret.key, text) });
  } catch (error) {
    source.problems.push(`${secret.name} names a file that cannot be read (${messageOf(error)})`);
  }
}

/** The value a text stands for under the key's schema; the text itself where it stands for none. */
function fromText(key: string, text: string): unknown {
  const known = configKeys.find((candidate) => candidate === key);
  return known === undefined ? text : convert(configSchema.properties[known], text.trim());
}

function convert(schema: ConfigProperty, text: string): unknown {
  if (schema.anyOf !== undefined) {
    const values = schema.anyOf.map((option) => convert(option, text));
    return (
      values.find((value) => Value.Check(schema, value)) ?? values.find((value) => value !== text) ?? text
    );
  }
  switch (schema.type) {
    case 'array':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'integer':
    case 'number':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
    default:
      return text;
  }
}
