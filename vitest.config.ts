import { defineConfig } from 'vitest/config';

/** `*.test.ts` are all tests; those that start servers or take long are `*.it.test.ts`, left out by `npm run test:unit`. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
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
