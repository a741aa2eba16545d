import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { onTestFinished, vi } from 'vitest';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';

export const logger = createLogger({ level: 'silent', name: 'test' });
export const waiting = { timeout: 40_000, interval: 50 };

export interface Holder {
  pid: number;
  stderr(): string;
  /** Runs SQL in the holder's own pool; the rows, or the code of its error. */
  ask(sql: string): Promise<{ rows?: Record<string, unknown>[]; code?: string }>;
  /** Asks until there is an answer instead of an error; answers the errors' codes that came before. */
  askUntilAnswered(sql: string): Promise<{ rows: Record<string, unknown>[]; codes: string[] }>;
  /** Lets go as a command does at its end; resolves to the exit code. */
  letGo(): Promise<number | null>;
  kill(): Promise<void>;
}

/** A data dir, with a database that was made before or without one; when the test is over, its server has ended and it is removed. */
export async function temporaryDataDir({ made = false } = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-embedded-'));
  await chmod(dir, 0o755);
  if (made) await putMadeDatabase(dir);
  onTestFinished(async () => {
    await untilStopped(dir);
    await rm(dir, { recursive: true, force: true });
  });
  return dir;
}

/** Starts a process that holds the data dir's Postgres; resolves when it has it. */
export async function startHolder(dataDir: string): Promise<Holder> {
  const child = fork(new URL('holder.ts', import.meta.url), [dataDir], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  onTestFinished(() => void child.kill('SIGKILL'));
  const first = await Promise.race([once(child, 'message'), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`the holder did not start: ${stderr}`);
  const ask = async (sql: string): ReturnType<Holder['ask']> => {
    const answer = once(child, 'message') as Promise<[Awaited<ReturnType<Holder['ask']>>]>;
    child.send(sql);
    return (await answer)[0];
  };
  return {
    pid: child.pid ?? 0,
    stderr: () => stderr,
    ask,
    async askUntilAnswered(sql) {
      const codes: string[] = [];
      const rows = await vi.waitFor(async () => {
        const answer = await ask(sql);
        if (answer.rows !== undefined) return answer.rows;
        codes.push(answer.code ?? '');
        throw new Error(`no answer yet: ${codes.join()}`);
      }, waiting);
      return { rows, codes };
    },
    async letGo() {
      if (child.connected) child.disconnect();
      return (await exited)[0];
    },
    kill: async () => await killNow(child, exited),
  };
}

async function killNow(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** The postmaster's pid as its file has it; undefined where no server is known. */
export async function postmasterPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.split('\n')[0]);
}

/** The process that started the postmaster. */
export async function keeperPid(dataDir: string): Promise<number> {
  const status = await readFile(`/proc/${await postmasterPid(dataDir)}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function untilGone(pid: number): Promise<void> {
  await vi.waitFor(() => {
    if (isAlive(pid)) throw new Error(`${pid} is alive`);
  }, waiting);
}

/** Waits until the data dir's server has ended by itself, its keeper with it. */
export async function untilStopped(dataDir: string): Promise<void> {
  const pid = await postmasterPid(dataDir);
  if (pid === undefined) return;
  const keeper = await keeperPid(dataDir).catch(() => undefined);
  await untilGone(pid);
  if (keeper !== undefined && keeper > 1) await untilGone(keeper);
}

export function openAt(url: string, options: { setRole?: string; maxConnections?: number } = {}): Database {
  const database = openDatabase({ url, applicationName: 'test', logger, metrics: new Metrics(), ...options });
  onTestFinished(() => database.close());
  return database;
}

/** Runs one statement in a session of its own. */
export async function asAdmin(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The code of the error that `work` ends with: ours, else Postgres' own. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  throw new Error('there was no error');
}
