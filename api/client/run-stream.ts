import type { RunProgress } from '../schemas/jobs.ts';
import type { ServerMessage } from '../schemas/stream.ts';
import { openSocket, type ConnectionState } from './socket.ts';

export interface RunStreamOptions {
  /** `ws://host:port/v1/stream` */
  url: string;
  /** One run with its steps; without it, all runs that are no steps. */
  runId?: string;
  /** With `isAll` the runs as they are, which take the place of those before; else those that changed. */
  onRuns: (runs: readonly RunProgress[], isAll: boolean) => void;
  onState?: (state: ConnectionState) => void;
}

export interface RunStream {
  close(): void;
}

/** How runs go on, at most twice a second. Reconnects by itself, and then begins with all again. */
export function openRunStream(options: RunStreamOptions): RunStream {
  const channel = options.runId === undefined ? 'jobs' : (`jobs:${options.runId}` as const);
  const socket = openSocket({
    url: options.url,
    onOpen: () => socket.send({ op: 'subscribe', channel }),
    onMessage: receive,
    ...(options.onState === undefined ? {} : { onState: options.onState }),
  });
  return { close: () => socket.close() };

  function receive(message: ServerMessage): void {
    if (message.op !== 'snapshot' && message.op !== 'update') return;
    if (!('resumeToken' in message)) options.onRuns(message.data, message.op === 'snapshot');
  }
}
