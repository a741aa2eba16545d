import { openSandboxes } from '#core/lake/sandbox/open.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';

/** Runs an endless query for a test, which kills this process. */

const folder = process.argv[2] ?? '';
const sandboxes = openSandboxes({
  ...{ folder, limits: { seconds: 600, memoryMb: 512, spillMb: 64, threads: 1 }, concurrency: 1 },
  ...{ logger: createLogger({ level: 'silent', name: 'test' }), metrics: new Metrics() },
});
await sandboxes.run(
  {
    sql: 'select count(*) from range(1000000000000) t(i) where hash(i) % 7 = 3',
    ...{ params: {}, views: { statements: [], files: [], snapshots: {} }, hidden: [], format: 'json' },
    bounds: { rowsMax: 1, bytesMax: 1 },
  },
  { onProgress: () => process.stdout.write('running\n') },
);
