import { resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { Value } from 'typebox/value';
import {
  configSchema,
  type ConfigKey,
  configKeys,
  type ConfigProperty,
  type ConfigValues,
} from './config-schema.ts';
import { type ConfigSource, envName, readEnvironment, readFile, readOverrides } from './config-sources.ts';
import { tlsProblems, withTls } from './config-tls.ts';
import { TicklakeError } from './errors.ts';
import { maskUrls } from './logging.ts';

/** The whole configuration, checked. Paths are absolute. */
export type Config = Readonly<ConfigValues & { warehouse: string }>;

export interface LoadOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** A JSON file instead of `TICKLAKE_CONFIG` or `./ticklake.json`; it must exist. */
  file?: string | undefined;
  /** What the command line says, by key; text is read as in the environment, `undefined` is not said. */
  overrides?: Readonly<Record<string, unknown>>;
  /** Folder that relative paths start from. */
  cwd?: string;
}

/**
 * The configuration: overrides over the environment over a file over defaults.
 * Throws one CONFIG_INVALID naming everything that is wrong; values are described by their form, never shown.
 */
export function loadConfig(options: LoadOptions): Config {
  const cwd = options.cwd ?? process.cwd();
  const sources: ConfigSource[] = [
    readFile(options.file ?? options.env['TICKLAKE_CONFIG'], cwd),
    readEnvironment(options.env, cwd),
    readOverrides(options.overrides ?? {}),
  ];
  const problems = sources.flatMap((source) => [...source.problems, ...checkEntries(source)]);
  if (problems.length > 0) throw invalid(problems);

  const merged: Record<string, unknown> = {};
  for (const key of configKeys) {
    const fallback = property(key).default;
    if (fallback !== undefined) merged[key] = structuredClone(fallback);
  }
  for (const source of sources) for (const entry of source.entries) merged[entry.key] = entry.value;
  Value.Assert(configSchema, merged);

  const contradictions = [...checkTogether(merged), ...tlsProblems(merged, cwd)];
  if (contradictions.length > 0) throw invalid(contradictions);
  const dataDir = resolve(cwd, merged.dataDir);
  const warehouse = resolveWarehouse(merged.warehouse, dataDir, cwd);
  return Object.freeze({ ...merged, ...withTls(merged, cwd), dataDir, warehouse });
}

/** The configuration as it may be shown: passwords are masked, in URLs too. */
export function maskedConfig(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    configKeys.flatMap((key) => (config[key] === undefined ? [] : [[key, masked(key, config[key])]])),
  );
}

function masked(key: ConfigKey, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return property(key).isSecret === true ? '***' : maskUrls(value);
}

/** The reference of all keys as a Markdown document, made from the schema. */
export function configDocs(): string {
  const rows = configKeys.map((key) => {
    const { description, default: fallback } = property(key);
    const shown =
      fallback === undefined ? '' : `\`${Array.isArray(fallback) ? fallback.join(',') : String(fallback)}\``;
    return `| \`${key}\` | \`${envName(key)}\` | ${allowed(property(key))} | ${shown} | ${description} |`;
  });
  return [
    '# Configuration',
    '',
    'Made from the schema in `core/platform/config-schema.ts` by `npm run docs`; do not edit.',
    '',
    'A value is taken from the command line, else the environment, else a JSON file (`--config`, `TICKLAKE_CONFIG`, or',
    '`ticklake.json` in the working folder), else the default. In the environment lists are separated by commas, an empty',
    'value counts as not set, and `<NAME>_FILE` names a file that holds the value, for secrets. A key that is not in this',
    'table, or a value that is not allowed, stops the start. `ticklake config show` prints what is in force.',
    '',
    '| key | environment | allowed | default | what it is |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function checkEntries(source: ConfigSource): string[] {
  return source.entries.flatMap(({ key, name, value }) => {
    const keyed = configKeys.find((known) => known === key);
    if (keyed === undefined) return [`${name} is not a known key (${suggestion(name, source.names)})`];
    if (Value.Check(property(keyed), value)) return [];
    return [`${name} is ${formOf(value)}, allowed is ${allowed(property(keyed))}`];
  });
}

function checkTogether(config: ConfigValues): string[] {
  const problems: string[] = [];
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(config.apiHost);
  if (!isLoopback && !config.apiInsideContainer && !config.apiPublic) {
    problems.push(
      'apiHost is not a loopback address, allowed only with apiInsideContainer or apiPublic, as all who reach it may run jobs',
    );
  }
  if (config.apiPublic && config.apiTrustedProxies.length === 0) {
    problems.push('apiPublic is true without apiTrustedProxies, allowed is it behind a proxy that ends TLS');
  }
  if ((config.exchangeApiKey === undefined) !== (config.exchangeApiSecret === undefined)) {
    problems.push('exchangeApiKey and exchangeApiSecret: one is set, allowed are both or none');
  }
  if (config.liveTrading && config.exchangeApiKey === undefined) {
    problems.push(
      'liveTrading is true without exchangeApiKey, allowed is it with a key that orders go under',
    );
  }
  if (config.liveTrading && config.exchange === 'simulator' && config.simulatorSpeed !== 1) {
    problems.push(
      'liveTrading is true at another simulatorSpeed than 1, allowed is 1, as signed requests are timed',
    );
  }
  if (config.ingestBatchRecords > config.ingestMaxBatchRecords) {
    problems.push('ingestBatchRecords is above ingestMaxBatchRecords, allowed is at most that');
  }
  return problems;
}

function resolveWarehouse(given: string | undefined, dataDir: string, cwd: string): string {
  if (given === undefined) return resolve(dataDir, 'warehouse');
  return given.startsWith('file:') ? given : resolve(cwd, given);
}

function invalid(problems: string[]): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', `Configuration: ${problems.join('; ')}`, {
    remedy: 'See docs/configuration.md, or run `ticklake config show` once it is right.',
    context: { problems },
  });
}

function property(key: ConfigKey): ConfigProperty {
  return configSchema.properties[key];
}

/** What a value must be, in words, from its schema. */
export function allowed(schema: ConfigProperty): string {
  if (schema.form !== undefined) return schema.form;
  if (schema.anyOf !== undefined) return schema.anyOf.map(allowed).join(' or ');
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === 'array' && schema.items !== undefined) return `a list, each ${allowed(schema.items)}`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'string') return 'text';
  const noun = schema.type === 'integer' ? 'a whole number' : 'a number';
  if (schema.exclusiveMinimum !== undefined) return `${noun} above ${schema.exclusiveMinimum}`;
  return `${noun} from ${schema.minimum} to ${schema.maximum}`;
}

function formOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value))
    return `a list of ${value.length}${value.length > 0 ? ` with ${formOf(value[0])}` : ''}`;
  if (typeof value === 'string') return value === '' ? 'empty text' : `text of ${value.length} characters`;
  if (typeof value === 'number')
    return Number.isInteger(value) ? `the number ${value}` : `the fraction ${value}`;
  return typeof value === 'boolean' ? `the truth value ${value}` : 'an object';
}

function suggestion(name: string, known: readonly string[]): string {
  const [best] = known.toSorted((a, b) => distance(name, a) - distance(name, b));
  return best !== undefined && distance(name, best) <= Math.max(3, name.length / 3)
    ? `did you mean ${best}?`
    : 'docs/configuration.md lists them';
}
