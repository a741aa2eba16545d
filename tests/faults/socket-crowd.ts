import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Followed, Told } from './socket-client.ts';

export interface CrowdSettings {
  /** Of the stream, in several processes. */
  urls: readonly string[];
  /** One client each. */
  followed: readonly Followed[];
  seed: number;
  /** Milliseconds that a connection lives at the mean. */
  lifeMs: number;
}

export type CrowdOrder = 'count' | 'steady' | 'told';

export interface CrowdAnswer {
  /** Connections after each client's first. */
  reconnects: number;
  told?: Told[];
}

/** Clients of the stream in a process of their own. */
export interface Crowd {
  ask(order: CrowdOrder): Promise<CrowdAnswer>;
  close(): Promise<void>;
}

const program = fileURLToPath(new URL('socket-crowd-program.ts', import.meta.url));

export function startCrowd(settings: CrowdSettings): Crowd {
  const child = fork(program, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const ended = exited.then(() => {
    throw new Error('the clients of the stream have ended');
  });
  ended.catch(() => undefined);
  child.send(settings);
  return {
    async ask(order) {
      const answered = once(child, 'message') as Promise<[CrowdAnswer]>;
      child.send(order);
      return (await Promise.race([answered, ended]))[0];
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
