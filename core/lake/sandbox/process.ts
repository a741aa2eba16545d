import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TicklakeError } from '#core/platform/errors.ts';
import { stoppedError, type Stop } from '../query-error.ts';
import { memoryOf } from './memory.ts';
import type { SandboxDone, SandboxMessage, SandboxQuery, SandboxSetting } from './messages.ts';

/** What one query may take. */
export interface SandboxLimits {
  seconds: number;
  /** Of its process, beside the program itself. */
  memoryMb: number;
  /** Of disk, for what does not fit in memory. */
  spillMb: number;
  threads: number;
}

export interface QueryControl {
  /** Stops the query. */
  signal?: AbortSignal | undefined;
  /** How far it is as DuckDB takes it, and what memory it has; never after the end. */
  onProgress?: ((progress: { percent?: number; memoryBytes: number }) => void) | undefined;
}

export interface SandboxResult extends SandboxDone {
  memoryBytesMax: number;
}

/** A process that runs one query and is killed. */
export interface SandboxProcess {
  /** Resolves when it waits for its query. @throws UNAVAILABLE */
  ready: Promise<void>;
  isRunning(): boolean;
  /** @throws QUERY_INVALID, QUERY_OVER_LIMIT, QUERY_CANCELED, FORBIDDEN for a table of others */
  run(query: Omit<SandboxQuery, 'file'>, control: QueryControl): Promise<SandboxResult>;
  /** Where the answer is, once there is one. */
  readonly file: string;
  /** Ends the process and removes its files. */
  discard(why: Stop): Promise<void>;
}

const program = fileURLToPath(new URL('program.ts', import.meta.url));
const watchEveryMs = 20;
const readyMs = 30_000;
const stderrCharactersMax = 4_000;
/** Of what a query may take, what is left to JavaScript and to what DuckDB does not count. */
const duckShare = 0.6;
const heapShare = 0.25;
/** Address space of data that the program takes before it does anything, with room for what is reserved and not used. */
const dataBaseMb = 1_024;

/**
 * Starts one in a new folder. It gets no environment and no connection; what it takes of memory and time is watched from
 * here, and by the system where it can: data, processor time, and the first place when memory runs out.
 */
export async function startSandbox(folder: string, limits: SandboxLimits): Promise<SandboxProcess> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { seconds, memoryMb, spillMb, threads } = limits;
  const setting: SandboxSetting = {
    threads,
    memoryLimit: `${Math.floor(memoryMb * duckShare)}MiB`,
    spillDir: join(folder, 'spill'),
    spillMax: `${spillMb}MiB`,
  };
  const node = [
    `--max-old-space-size=${Math.floor(memoryMb * heapShare)}`,
    '--disable-warning=ExperimentalWarning',
    program,
    JSON.stringify(setting),
  ];
  const child = spawnBounded(node, folder, {
    dataKb: (dataBaseMb + 2 * memoryMb) * 1024,
    cpuSeconds: (seconds + 60) * (threads + 1),
  });
  let why: Stop = 'crashed';
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => {
    stderr = `${stderr}${text.toString()}`.slice(-stderrCharactersMax);
  });
  const ended = once(child, 'exit').then(() => undefined);
  ended.catch(() => undefined);
  const stop = async (reason: Stop): Promise<void> => {
    if (isRunning(child)) why = reason;
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
  };
  const ready = untilReady(child, ended).catch((error: unknown) => {
    throw new TicklakeError('UNAVAILABLE', 'the process for a query did not start', {
      cause: error,
      context: { stderr },
    });
  });
  ready.catch(() => undefined);

  return {
    ready,
    isRunning: () => isRunning(child),
    file: join(folder, 'answer'),
    async discard(reason) {
      await stop(reason);
      await rm(folder, { recursive: true, force: true });
    },
    async run(query, { signal, onProgress }) {
      const watch = watchMemory(child, memoryMb, onProgress, () => void stop('memory'));
      const onAbort = (): void => void stop('canceled');
      const timer = setTimeout(() => void stop('time'), seconds * 1_000);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      try {
        const answered = untilAnswered(child, (percent) =>
          onProgress?.({ percent, memoryBytes: watch.bytes() }),
        );
        child.send({ ...query, file: join(folder, 'answer') } satisfies SandboxQuery, () => undefined);
        const answer = await Promise.race([answered, ended]);
        if (answer === undefined) throw stoppedError(why, { seconds, memoryMb });
        if (answer.type === 'done') return { ...answer, memoryBytesMax: watch.bytesMax() };
        const { code, message, remedy } = answer;
        throw new TicklakeError(code, message, remedy === undefined ? {} : { remedy });
      } finally {
        watch.end();
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        await stop('canceled');
      }
    },
  };
}

/** A shell sets the bounds that the system holds and becomes the program. Where there is none, it goes without. */
function spawnBounded(
  node: readonly string[],
  folder: string,
  bounds: { dataKb: number; cpuSeconds: number },
): ChildProcess {
  const options = {
    cwd: folder,
    env: { TZ: 'UTC', HOME: folder, ...compileCache() },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'] as ('ignore' | 'pipe' | 'ipc')[],
    serialization: 'json' as const,
  };
  if (process.platform === 'win32') return spawn(process.execPath, node, options);
  const { dataKb, cpuSeconds } = bounds;
  const limits = `ulimit -c 0; ulimit -d ${dataKb}; ulimit -t ${cpuSeconds}`;
  return spawn(
    '/bin/sh',
    ['-c', `{ ${limits}; } 2>/dev/null; exec "$@"`, 'sh', process.execPath, ...node],
    options,
  );
}

/** Compiled code is kept where this process keeps it. */
function compileCache(): Record<string, string> {
  const folder = module.getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function untilReady(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const late = AbortSignal.timeout(readyMs);
  const message = await Promise.race([
    once(child, 'message', { signal: late }).then(([first]) => first as SandboxMessage),
    ended,
  ]);
  if (message?.type !== 'ready') throw new Error('it ended');
}

type Answer = Extract<SandboxMessage, { type: 'done' | 'failed' }>;

async function untilAnswered(child: ChildProcess, onPercent: (percent: number) => void): Promise<Answer> {
  return await new Promise((resolve) => {
    child.on('message', (message: SandboxMessage) => {
      if (message.type === 'progress') onPercent(message.percent);
      else if (message.type !== 'ready') resolve(message);
    });
  });
}

interface Watch {
  bytes(): number;
  bytesMax(): number;
  end(): void;
}

function watchMemory(
  child: ChildProcess,
  memoryMb: number,
  onProgress: QueryControl['onProgress'],
  onOver: () => void,
): Watch {
  const { pid } = child;
  let bytes = 0;
  let bytesMax = 0;
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (pid === undefined || isAsking || !isRunning(child)) return;
    isAsking = true;
    bytes = (await memoryOf(pid)) ?? bytes;
    isAsking = false;
    bytesMax = Math.max(bytesMax, bytes);
    onProgress?.({ memoryBytes: bytes });
    if (bytes > memoryMb * 1024 * 1024) onOver();
  };
  const timer = setInterval(() => void look(), watchEveryMs);
  return { bytes: () => bytes, bytesMax: () => bytesMax, end: () => clearInterval(timer) };
}
