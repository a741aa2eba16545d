/** Asks a service over HTTP as a client of its own: a thread, so that it does not wait for the service's event loop. */
import { Agent, request } from 'node:http';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '#bench/benchmark.ts';

export interface Requests {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  /** Sent in turn. */
  bodies: readonly string[];
  /** What each answer must be. */
  status: number;
  inFlight: number;
  /** Requests are due at this pace, and wait for a connection where all are in use; default as fast as they are answered. */
  duePerSecond?: number;
  runMs: number;
}

export interface Answered {
  perSecond: number;
  p99Ms: number;
}

/** So many requests at once, each connection asking again as it is answered. @throws for any other answer */
export async function askOften(workerData: Requests): Promise<Answered> {
  return await new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData });
    worker.once('message', resolve).once('error', reject);
  });
}

async function ask(agent: Agent, asked: Requests, body: string | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const { url, method, headers, status } = asked;
    const sent = request(url, { agent, method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => {
        if (answer.statusCode === status) resolve();
        else reject(new Error(`${answer.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function run(asked: Requests): Promise<Answered> {
  const agent = new Agent({ keepAlive: true, maxSockets: asked.inFlight });
  const tookMs: number[] = [];
  const startedMs = performance.now();
  let next = 0;
  const due = (index: number): number =>
    asked.duePerSecond === undefined ? 0 : startedMs + (index * 1_000) / asked.duePerSecond;
  await Promise.all(
    Array.from({ length: asked.inFlight }, async () => {
      for (;;) {
        const index = next++;
        const dueMs = due(index) || performance.now();
        if (dueMs - startedMs >= asked.runMs) return;
        if (dueMs > performance.now()) await sleep(dueMs - performance.now());
        await ask(agent, asked, asked.bodies[index % asked.bodies.length]);
        // From when it was due: what waits behind a slow one counts as slow, too.
        tookMs.push(performance.now() - dueMs);
      }
    }),
  );
  agent.destroy();
  const seconds = (performance.now() - startedMs) / 1_000;
  return { perSecond: tookMs.length / seconds, p99Ms: quantile(tookMs, 0.99) };
}

if (!isMainThread) {
  // The thread is started by askOften alone.
  parentPort?.postMessage(await run(workerData as Requests));
}
