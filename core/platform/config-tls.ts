import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigKey, ConfigValues } from './config-schema.ts';
import { messageOf } from './errors.ts';

type UrlKey = Extract<ConfigKey, `databaseUrl${string}`>;
type CaKey = Extract<ConfigKey, `${string}CaFile`>;

const caKeys = ['databaseCaFile', 'kafkaCaFile'] as const satisfies readonly CaKey[];
/** The others encrypt without asking who is at the other end, or do not encrypt where that is not to be had. */
const modes = ['verify-full', 'disable'];

/** What contradicts itself about TLS, and authorities that cannot be read. Relative paths start at `cwd`. */
export function tlsProblems(config: ConfigValues, cwd: string): string[] {
  return [...authorityProblems(config, cwd), ...postgresProblems(config), ...kafkaProblems(config)];
}

/** What TLS changes of a configuration without {@link tlsProblems}: the authority stands in each URL, paths are absolute. */
export function withTls(config: ConfigValues, cwd: string): Partial<ConfigValues> {
  const paths = caKeys.flatMap((key) => {
    const path = config[key];
    return path === undefined ? [] : [[key, resolve(cwd, path)] as const];
  });
  const { databaseCaFile } = Object.fromEntries(paths);
  const urls = urlsOf(config).flatMap(([key, url]) => {
    // A Unix socket needs none.
    if (databaseCaFile === undefined || url === undefined || /^%2f/i.test(url.hostname)) return [];
    const { searchParams } = url;
    searchParams.set('sslmode', 'verify-full');
    if (!searchParams.has('sslrootcert')) searchParams.set('sslrootcert', databaseCaFile);
    return [[key, url.href] as const];
  });
  return Object.fromEntries([...paths, ...urls]);
}

function authorityProblems(config: ConfigValues, cwd: string): string[] {
  return caKeys.flatMap((key) => {
    const path = config[key];
    if (path === undefined) return [];
    try {
      void new X509Certificate(readFileSync(resolve(cwd, path)));
      return [];
    } catch (error) {
      return [`${key} names a file that has no certificate in PEM (${messageOf(error)})`];
    }
  });
}

function postgresProblems(config: ConfigValues): string[] {
  return urlsOf(config).flatMap(([key, url]) => {
    if (url === undefined)
      return config.databaseCaFile === undefined ? [] : [`${key} is no URL of one server, allowed is one`];
    const { searchParams } = url;
    const mode = searchParams.get('sslmode');
    if (searchParams.has('ssl')) return [`${key} has \`ssl\`, allowed is \`sslmode\``];
    if (mode !== null && !modes.includes(mode))
      return [
        `${key} has the sslmode ${mode}, allowed is verify-full, which asks who answers (or disable for none)`,
      ];
    if (mode === 'disable' && config.databaseCaFile !== undefined)
      return [`${key} has the sslmode disable beside databaseCaFile, allowed is one of them`];
    return [];
  });
}

function kafkaProblems(config: ConfigValues): string[] {
  const { kafkaTls, kafkaCaFile, kafkaSasl, kafkaUser, kafkaPassword } = config;
  const problems: string[] = [];
  if (kafkaCaFile !== undefined && !kafkaTls)
    problems.push('kafkaCaFile is set without kafkaTls, allowed is it with kafkaTls');
  const given = [kafkaSasl, kafkaUser, kafkaPassword].filter((value) => value !== undefined).length;
  if (given !== 0 && given !== 3)
    problems.push('of kafkaSasl, kafkaUser and kafkaPassword some are set, allowed are all or none');
  if (kafkaSasl === 'plain' && !kafkaTls)
    problems.push('kafkaSasl is plain without kafkaTls, allowed is it over TLS, as it sends the password');
  return problems;
}

/** The URLs of Postgres that are set; undefined where one does not read as a URL. */
function urlsOf(config: ConfigValues): (readonly [UrlKey, URL | undefined])[] {
  const keys = Object.keys(config).filter((key): key is UrlKey => key.startsWith('databaseUrl'));
  return keys.flatMap((key) => {
    const text = config[key];
    if (text === undefined) return [];
    return [[key, URL.canParse(text) ? new URL(text) : undefined] as const];
  });
}
