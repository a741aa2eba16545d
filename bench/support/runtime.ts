import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRuntime, type Runtime } from '#cli/runtime.ts';
import { query } from '#core/lake/engine.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';

/** After a command has let go, the embedded Postgres takes so long to end. */
const postgresEndsMs = 2_500;

/**
 * What a user's machine runs, in a data dir that is thrown away: default configuration but for `overrides`, and a
 * durable Postgres.
 */
export async function openBenchRuntime(overrides: Record<string, unknown> = {}): Promise<Runtime> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-bench-'));
  await chmod(dataDir, 0o755);
  const config = loadConfig({ env: {}, overrides: { dataDir, logLevel: 'error', ...overrides } });
  const logger = createLogger({ level: config.logLevel, name: 'bench' });
  const runtime = await openRuntime(config, 'owner', 'bench', logger);
  await runtime.log.ensureTopic(tradesTopic, {
    partitions: config.logPartitions,
    retentionMs: config.logRetentionHours * 3_600_000,
  });
  return {
    ...runtime,
    async close() {
      await runtime.close();
      await sleep(postgresEndsMs);
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
    },
  };
}

/** Throws unless the lake holds so many trades of a source, each of them once. */
export async function expectHeld(runtime: Runtime, source: string, trades: number): Promise<void> {
  const { rows } = await query(
    runtime.lake,
    `select count(*) as held, count(distinct (symbol, trade_id)) as ids from market.trades where source = '${source}'`,
    { spillDir: runtime.spillDir },
  );
  if (Number(rows[0]?.['held']) !== trades || Number(rows[0]?.['ids']) !== trades) {
    throw new Error(`the lake holds ${JSON.stringify(rows[0])}, not ${trades} trades`);
  }
}
