import { expect, test } from 'vitest';
import { createLogger } from '#core/platform/logging.ts';
import { shutDown } from '#core/platform/shutdown.ts';

const logger = createLogger({ level: 'silent', name: 'test' });

test('phases run in order, and none waits for one that fails or hangs', async () => {
  const ran: string[] = [];
  const phase = (name: string, run: () => Promise<void>, timeoutMs = 10_000) => ({
    name,
    timeoutMs,
    run: () => {
      ran.push(name);
      return run();
    },
  });
  const left = await shutDown(
    [
      phase('drain', () => Promise.resolve()),
      phase('refuse', () => Promise.reject(new Error('no'))),
      phase('hang', () => new Promise(() => undefined), 20),
      phase('close', () => Promise.resolve()),
    ],
    logger,
  );
  expect(ran).toEqual(['drain', 'refuse', 'hang', 'close']);
  expect(left).toEqual(['refuse', 'hang']);
});
