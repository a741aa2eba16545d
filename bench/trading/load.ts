import { quantile } from '#bench/benchmark.ts';

const runMs = 4_000;

/** What a load was answered. */
export interface Run {
  perSecond: number;
  p99Ms: number;
}

/** So many callers at once, each of which asks again as it is answered, over the portfolios in turn. */
export async function load(
  inFlight: number,
  ids: readonly string[],
  ask: (id: string) => Promise<void>,
): Promise<Run> {
  const tookMs: number[] = [];
  const startedMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let nowMs = performance.now(); nowMs - startedMs < runMs;) {
        await ask(ids[next++ % ids.length] ?? '');
        const thenMs = performance.now();
        tookMs.push(thenMs - nowMs);
        nowMs = thenMs;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  return { perSecond: tookMs.length / seconds, p99Ms: quantile(tookMs, 0.99) };
}
