import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { messageOf } from '#core/platform/errors.ts';
import { freePort } from '#core/platform/ports.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';

/** `ticklake up` in a process of its own with a data dir of its own, whose processes are there to be killed. */
export interface UpProcess {
  readonly dataDir: string;
  readonly apiPort: number;
  /** The process of a role as it runs now, or `postgres`: the embedded server. Throws where none is known. */
  pidOf(name: string): Promise<number>;
  /** Where the simulated exchange listens. */
  exchangeUrl(): Promise<string>;
  /** What its processes said at last, a line each. */
  said(): readonly string[];
  /** Waits until something is so; an error of `reached` means not yet. */
  until(what: string, reached: () => Promise<boolean>): Promise<void>;
  /** Ends it as Ctrl-C does; the report it prints. */
  end(): Promise<Record<string, number>>;
  /** What another command prints about the same data. */
  run(args: readonly string[], options?: { reject: boolean }): Promise<string>;
  /** Nothing of it runs or is stored any more. */
  close(): Promise<void>;
}

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const waitMs = 120_000;
/** Of what it says, for who looks into a failure. */
const linesKept = 60;
const lineMax = 600;

export async function startUp(options: { speed: number; env?: Record<string, string> }): Promise<UpProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-crash-'));
  await chmod(dataDir, 0o755);
  await putMadeDatabase(dataDir);
  const apiPort = await freePort();
  // They ask often and without a session.
  const env = { ...process.env, TICKLAKE_API_ADDRESS_REQUESTS: '1000000', ...options.env };
  const global = [command, '--data-dir', dataDir];
  const args = [...global, '--log-level', 'info', '--json', 'up', '--speed', String(options.speed)];
  const up = spawn(process.execPath, [...args, '--port', String(apiPort)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const pids = new Map<string, number>();
  const said: string[] = [];
  const stdout = collect(up);
  hear(up, (line) => {
    const started = /"role":"(\w+)","rolePid":(\d+)/.exec(line);
    if (started?.[1] !== undefined) pids.set(started[1], Number(started[2]));
    said.push(line.slice(0, lineMax));
    if (said.length > linesKept) said.shift();
  });
  return {
    dataDir,
    apiPort,
    async pidOf(name) {
      const pid = name === 'postgres' ? await postmasterPid(dataDir) : (pids.get(name) ?? 0);
      if (pid > 0) return pid;
      throw new Error(`no pid of ${name} is known`);
    },
    async exchangeUrl() {
      const place = await readFile(join(dataDir, 'run', 'exchange.json'), 'utf8');
      return (JSON.parse(place) as { url: string }).url;
    },
    said: () => said,
    until: (what, reached) =>
      until(what, up, reached).catch((error: unknown) => {
        throw new Error(`${messageOf(error)}; it said at last:\n${said.join('\n')}`, { cause: error });
      }),
    async end() {
      const ended = once(up, 'exit');
      up.kill('SIGINT');
      await ended;
      return JSON.parse(await stdout) as Record<string, number>;
    },
    async run(args, { reject } = { reject: true }) {
      return (await execa(process.execPath, [...global, ...args], { reject, env, timeout: 120_000 })).stdout;
    },
    async close() {
      if (up.exitCode === null && up.signalCode === null) {
        up.kill('SIGKILL');
        await once(up, 'exit');
      }
      // Roles, and then Postgres, end by themselves when who started them is gone.
      await sleep(2_500);
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
    },
  };
}

async function until(what: string, up: ChildProcess, reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + waitMs;
  let last: unknown;
  while (Date.now() < deadline) {
    if (up.exitCode !== null) throw new Error(`up ended with ${up.exitCode} while waiting for ${what}`);
    try {
      if (await reached()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(25);
  }
  throw new Error(`waited ${waitMs} ms in vain for ${what}`, { cause: last });
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

function hear(up: ChildProcess, onLine: (line: string) => void): void {
  if (up.stderr !== null) createInterface({ input: up.stderr }).on('line', onLine);
}

async function collect(up: ChildProcess): Promise<string> {
  let text = '';
  up.stdout?.setEncoding('utf8');
  for await (const chunk of up.stdout ?? []) text += String(chunk);
  return text;
}
