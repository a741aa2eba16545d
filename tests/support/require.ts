import { it, type TestOptions } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** What a skipped test or suite would need, and how to get it. */
    requires?: { what: string; remedy: string };
  }
}

/**
 * Options for `describe` or `it` that skip where this machine lacks something; the run lists it at its end.
 * With `TICKLAKE_REQUIRE=all` what is missing is a failing test beside the skipped ones.
 *
 *     describe('on a real broker', requires(await kafkaIsInstalled(), 'Kafka', 'Run `node tests/support/install-kafka.ts`.'), () => …)
 */
export function requires(condition: boolean, what: string, remedy: string): TestOptions {
  if (condition) return {};
  if (process.env['TICKLAKE_REQUIRE'] === 'all') {
    it(`has ${what}`, () => {
      throw new Error(`${what} is missing and TICKLAKE_REQUIRE=all. ${remedy}`);
    });
  }
  return { skip: true, meta: { requires: { what, remedy } } };
}
