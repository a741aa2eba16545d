import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SimulatorOptions } from '#core/exchanges/simulator/server.ts';

const program = fileURLToPath(new URL('./simulator-process.ts', import.meta.url));

/** A simulator in a process of its own: it is neither killed nor kept waiting by what a test does. */
export interface VenueProcess {
  url: string;
  wsUrl: string;
  source: string;
  /** Its answers so far, by HTTP status. */
  answers(): Promise<Map<number, number>>;
  close(): Promise<void>;
}

export async function startVenueProcess(
  options: Omit<SimulatorOptions, 'logger' | 'metrics' | 'port'>,
): Promise<VenueProcess> {
  const child = fork(program, [JSON.stringify({ ...options, port: 0 })], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const hear = async <T>(): Promise<T> => {
    const [heard] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the simulator has ended'))),
    ])) as [T];
    return heard;
  };
  const place = await hear<Pick<VenueProcess, 'url' | 'wsUrl' | 'source'>>();
  return {
    ...place,
    async answers() {
      child.send('metrics');
      const { metrics } = await hear<{ metrics: string }>();
      const lines = metrics.matchAll(/^ticklake_simulator_requests_total\{status="(\d+)"\} (\d+)/gm);
      return new Map([...lines].map(([, status, count]) => [Number(status), Number(count)]));
    },
    async close() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
