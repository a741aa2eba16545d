import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { acquirePostgres } from '#core/platform/postgres/embedded.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';
import { runCli, type Ran } from './support.ts';

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
export const logger = createLogger({ level: 'silent', name: 'test' });
/** How long, and how often, a test waits for something to become so. */
export const patient = { timeout: 60_000, interval: 100 };

/** A data dir, with the commands and processes that use it. */
export interface Ground {
  dataDir: string;
  owner: Database;
  /** Runs a command in this process, with `--json`. */
  ticklake(...argv: string[]): Promise<Ran & { value: unknown }>;
  /** Starts a command as a process of its own. */
  start(...argv: string[]): Started;
  close(): Promise<void>;
}

export interface Started {
  child: ChildProcess;
  stderr(): string;
  /** Ends it; gives its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function openGround(settings: Record<string, string> = {}): Promise<Ground> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-jobs-'));
  await chmod(dataDir, 0o755);
  const env = { TICKLAKE_DATA_DIR: dataDir, TICKLAKE_LOG_LEVEL: 'info', ...settings };
  await putMadeDatabase(dataDir);
  const postgres = await acquirePostgres(dataDir, logger);
  const owner = openDatabase({
    ...{ url: postgres.urlFor('owner'), applicationName: 'test', logger, metrics: new Metrics() },
  });
  const started: Started[] = [];
  return {
    dataDir,
    owner,
    async ticklake(...argv) {
      const ran = await runCli([...argv, '--json'], { ...env, TICKLAKE_LOG_LEVEL: 'silent' });
      return { ...ran, value: JSON.parse(ran.stdout) as unknown };
    },
    start(...argv) {
      const one = startProcess(argv, env);
      started.push(one);
      return one;
    },
    async close() {
      await Promise.all(started.map((one) => one.end('SIGTERM')));
      await owner.close();
      postgres.release();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
    },
  };
}

function startProcess(argv: readonly string[], env: Record<string, string>): Started {
  const child = spawn(process.execPath, [command, ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  child.once('exit', () => process.off('exit', orphaned));
  return {
    child,
    stderr: () => text,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill(signal);
        await ended;
      }
      return child.exitCode;
    },
  };
}
