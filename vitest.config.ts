import { defineConfig } from 'vitest/config';

/**
 * What proves that nothing is lost or doubled must not pass by luck: it is run again only where it waited in vain, as on a machine
 * that was too slow, and so said nothing of what it proves.
 */
const proofs = 'tests/faults/**/*.test.ts';
/** What starts servers or takes long. */
const slow = 'tests/**/*.it.test.ts';
/** Where nothing may be skipped, a failed test is run once more; what passes only then is listed. */
const retry = process.env['TICKLAKE_REQUIRE'] === 'all' ? 1 : 0;

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['tests/**/*.test.ts'], exclude: [slow, proofs], retry },
      },
      { extends: true, test: { name: 'slow', include: [slow], exclude: [proofs], retry } },
      {
        extends: true,
        test: {
          name: 'proofs',
          include: [proofs],
          retry: { count: retry, condition: /in vain|timed out/ },
        },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    reporters: ['default', './tests/support/reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['core/**/*.ts', 'pipelines/**/*.ts', 'api/**/*.ts', 'cli/**/*.ts'],
      reporter: ['text', 'html'],
    },
  },
});
