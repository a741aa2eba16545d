import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { supervise } from '#cli/supervisor.ts';
import { createLogger } from '#core/platform/logging.ts';

it('does not start a role again that died before it was told to end', { timeout: 60_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-supervisor-'));
  const role = await supervise({
    name: 'exchange',
    env: { TICKLAKE_DATA_DIR: dataDir, TICKLAKE_LOG_LEVEL: 'silent' },
    logger: createLogger({ level: 'silent', name: 'test' }),
    readyTimeoutMs: 30_000,
  });
  try {
    // From its second death on, the supervisor waits before it starts the role again.
    for (let deaths = 1; deaths <= 2; deaths++) {
      process.kill(role.pid ?? 0, 'SIGKILL');
      await vi.waitFor(() => expect(role.restarts).toBe(deaths), { timeout: 60_000, interval: 5 });
    }
    const dead = role.pid;
    await role.stop({ drain: true, timeoutMs: 20_000 });
    expect(role.pid).toBe(dead);
  } finally {
    await role.stop({ drain: false, timeoutMs: 0 });
    await rm(dataDir, { recursive: true, force: true });
  }
});
