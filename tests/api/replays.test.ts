import { expect, it } from 'vitest';
import { Metrics } from '#core/platform/metrics.ts';
import { createReplays } from '#api/trading/replays.ts';

const { signal } = new AbortController();

it('are one at a time, and no user takes the places of all', async () => {
  const replays = createReplays(new Metrics());
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const ask = (userId: string): Promise<void> => {
    const work = (): Promise<void> => {
      begun.push(userId);
      return new Promise((resolve) => ends.push(resolve));
    };
    return replays.run(userId, work, signal);
  };
  const asked = [...Array.from({ length: 4 }, () => ask('greedy')), ask('patient')];
  await expect(ask('greedy')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  expect(begun).toEqual(['greedy']);
  for (const [index, answer] of asked.entries()) {
    ends[index]?.();
    await answer;
  }
  expect(begun).toEqual(['greedy', 'greedy', 'greedy', 'greedy', 'patient']);
  const again = ask('greedy');
  ends.at(-1)?.();
  await again;
});

it('are not begun for who has left', async () => {
  const replays = createReplays(new Metrics());
  const work = (): Promise<string> => Promise.resolve('done');
  await expect(replays.run('gone', work, AbortSignal.abort())).rejects.toThrow();
  expect(await replays.run('gone', work, signal)).toBe('done');
});
