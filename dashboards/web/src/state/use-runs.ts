import { useEffect, useState } from 'react';
import { openRunStream, type RunProgress } from '#api/client/index.ts';
import { streamUrl } from '../api.ts';

const shownMax = 30;

/** Runs of jobs as they go on, those that go first, then the newest; undefined before the first word of them. */
export function useRuns(): readonly RunProgress[] | undefined {
  const [runs, setRuns] = useState<readonly RunProgress[]>();
  useEffect(() => {
    const stream = openRunStream({
      url: streamUrl,
      onRuns: (changed, isAll) => setRuns((before) => merged(isAll ? [] : (before ?? []), changed)),
    });
    return () => stream.close();
  }, []);
  return runs;
}

function merged(before: readonly RunProgress[], changed: readonly RunProgress[]): RunProgress[] {
  const byId = new Map([...before, ...changed].map((run) => [run.runId, run]));
  return [...byId.values()].sort(inOrder).slice(0, shownMax);
}

function inOrder(a: RunProgress, b: RunProgress): number {
  return Number(goesOn(b)) - Number(goesOn(a)) || (a.enqueuedAt < b.enqueuedAt ? 1 : -1);
}

export function goesOn({ state }: RunProgress): boolean {
  return state === 'running' || state === 'waiting';
}
