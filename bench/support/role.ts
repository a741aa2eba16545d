import { supervise, type SupervisedRole } from '#cli/supervisor.ts';
import type { Runtime } from '#cli/runtime.ts';

const readyMsMax = 60_000;

/** `ticklake run <name>` on the runtime's data dir, at its default configuration but for `env`. */
export async function startRole(
  { config, logger }: Runtime,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<SupervisedRole> {
  return await supervise({
    ...{ name, logger, readyTimeoutMs: readyMsMax },
    env: { TICKLAKE_DATA_DIR: config.dataDir, TICKLAKE_LOG_LEVEL: 'error', ...env },
  });
}
