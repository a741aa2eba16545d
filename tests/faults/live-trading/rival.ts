import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A second trader over the same data, which goes on where the first one stops. It is started again whenever it ends. */
export interface Rival {
  /** Of the process as it runs now. */
  pid(): number;
  close(): Promise<void>;
}

const command = fileURLToPath(new URL('../../../cli/ticklake.js', import.meta.url));
const againMs = 500;

export function startRival(dataDir: string, env: Readonly<Record<string, string>>): Rival {
  const args = ['--disable-warning=ExperimentalWarning', command, '--data-dir', dataDir, 'run', 'trader'];
  const start = (): ChildProcess =>
    spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  let isClosing = false;
  let child = start();
  const running = (async () => {
    while (!isClosing) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await sleep(againMs);
      if (!isClosing) child = start();
    }
  })();
  return {
    pid: () => child.pid ?? 0,
    async close() {
      isClosing = true;
      child.kill('SIGKILL');
      await running;
    },
  };
}
