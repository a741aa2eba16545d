import { performance } from 'node:perf_hooks';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { maskUrls } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { DependencyHealth } from './schemas/health.ts';

/** A quick look at something the service needs; throws when it does not answer. */
export type Check = () => Promise<void>;

const checkMs = 2_000;
const freshMs = 1_000;

/** Looks at all dependencies at once, at most once a second however many ask. */
export function createHealthChecks(
  checks: Readonly<Record<string, Check>>,
  metrics: Metrics,
): () => Promise<DependencyHealth[]> {
  const up = metrics.gauge('ticklake_api_dependency_up', 'Whether a dependency answers', ['dependency']);
  let latest: { at: number; found: Promise<DependencyHealth[]> } | undefined;
  return () => {
    if (latest === undefined || performance.now() - latest.at > freshMs) {
      const found = Promise.all(Object.entries(checks).map(([name, check]) => look(name, check)));
      latest = { at: performance.now(), found };
      void found.then((all) =>
        all.forEach(({ name, status }) => up.set({ dependency: name }, status === 'up' ? 1 : 0)),
      );
    }
    return latest.found;
  };
}

async function look(name: string, check: Check): Promise<DependencyHealth> {
  const start = performance.now();
  const latency = (): number => Math.round((performance.now() - start) * 100) / 100;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TicklakeError('TIMEOUT', `no answer within ${checkMs} ms`)), checkMs);
  });
  try {
    await Promise.race([check(), timeout]);
    return { name, status: 'up', latencyMs: latency(), error: null };
  } catch (error) {
    return { name, status: 'down', latencyMs: latency(), error: maskUrls(messageOf(error)) };
  } finally {
    clearTimeout(timer);
  }
}
