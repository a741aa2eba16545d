import { WebSocket } from 'ws';
import { startSimulator, type Simulator, type SimulatorOptions } from '#core/exchanges/simulator/server.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';

export const logger = createLogger({ level: 'silent', name: 'test' });

export interface Opened extends Simulator {
  get(path: string): Promise<{ status: number; headers: Headers; body: unknown }>;
  fault(fault: Record<string, unknown>): Promise<void>;
  /** Ends all faults. */
  mend(): Promise<void>;
  struck(kind: string): Promise<number>;
}

/** A simulator on a free port, with what tests ask of it. */
export async function openSimulator(options: Partial<SimulatorOptions> = {}): Promise<Opened> {
  const simulator = await startSimulator({
    ...{ seed: 42, symbols: 20, speed: 1, port: 0, logger, metrics: new Metrics() },
    startTimeUs: Date.parse('2024-03-05T11:22:33.456Z') * 1000,
    ...options,
  });
  const get = async (path: string) => {
    const response = await fetch(simulator.url + path);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    ...simulator,
    get,
    async fault(fault) {
      const response = await fetch(`${simulator.url}/simulator/faults`, {
        method: 'POST',
        body: JSON.stringify(fault),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async mend() {
      await fetch(`${simulator.url}/simulator/faults`, { method: 'DELETE' });
    },
    async struck(kind) {
      const { body } = await get('/simulator/state');
      return (body as { faults: { struck: Record<string, number> } }).faults.struck[kind] ?? 0;
    },
  };
}

export interface TradeData {
  e: string;
  s: string;
  t: number;
  p: string;
  q: string;
  T: number;
  m: boolean;
}

/** Collects what a socket says. `next(n)` waits until it holds n messages, or the socket is closed. */
export async function listen(url: string, subscribe: readonly string[] = []) {
  const messages: string[] = [];
  const socket = new WebSocket(url);
  let wake = () => undefined as void;
  let closeCode: number | undefined;
  socket.on('message', (data: Buffer) => {
    messages.push(String(data));
    wake();
  });
  socket.on('close', (code) => {
    closeCode = code;
    wake();
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => wake());
  if (subscribe.length > 0) socket.send(JSON.stringify({ method: 'SUBSCRIBE', params: subscribe, id: 1 }));

  async function until(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && closeCode === undefined) await new Promise<void>((resolve) => (wake = resolve));
  }
  return {
    messages,
    socket,
    until,
    next: (count: number) => until(() => messages.length >= count),
    closeCode: () => closeCode,
    closed: () => until(() => false),
    /** Trades among the messages that are JSON. */
    trades: () => messages.flatMap((text) => tradeIn(text)),
    close: () => socket.terminate(),
  };
}

function tradeIn(text: string): TradeData[] {
  try {
    const parsed = JSON.parse(text) as { data?: TradeData } & TradeData;
    const data = parsed.data ?? parsed;
    return data.e === 'trade' ? [data] : [];
  } catch {
    return [];
  }
}
