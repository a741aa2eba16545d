import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What clients of the stream say as they come; each of the lists is one client. */
export interface StreamClientsSettings {
  url: string;
  headers: Record<string, string>;
  subscriptions: readonly (readonly object[])[];
}

/** What they have been told since the last count. */
export interface StreamCount {
  /** Clients that are connected and were answered. */
  ready: number;
  messages: number;
  /** The least and the most trades that one client was told. */
  tradesMin: number;
  tradesMax: number;
  /** Trades that did not come in the order of their ids, among the clients that are read in full. */
  outOfOrder: number;
}

/** Many clients of a stream in a process of their own, which count what they are told. */
export interface StreamClients {
  count(): Promise<StreamCount>;
  /** Begins to count anew. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const program = fileURLToPath(new URL('stream-clients-program.ts', import.meta.url));

export function startStreamClients(settings: StreamClientsSettings): StreamClients {
  const child = fork(program, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  child.send(settings);
  const ask = async (what: 'count' | 'reset'): Promise<StreamCount> => {
    const answered = once(child, 'message') as Promise<[StreamCount]>;
    child.send(what);
    return (await answered)[0];
  };
  return {
    count: () => ask('count'),
    reset: async () => void (await ask('reset')),
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
