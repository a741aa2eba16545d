import { Type } from 'typebox';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { defineChain, defineJob, type JobCard } from '#core/jobs/job.ts';
import { openJobs, type Jobs } from '#core/jobs/open.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { TestLake } from '#tests/support/lake.ts';

/** Jobs whose partitions do what a test tells them: they wait for {@link HeldJobs.let}, and fail where asked. */
export interface HeldJobs {
  cards: readonly JobCard[];
  jobs: Jobs;
  /** Lets these partitions end. */
  let(...keys: string[]): void;
  /** Makes a partition fail from now on, or no longer. */
  fail(key: string, fails: boolean): void;
  /** How often a partition was begun. */
  begun(key: string): number;
  close(): Promise<void>;
}

const parameters = Type.Object(
  {
    keys: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Names of the partitions.' }),
  },
  { additionalProperties: false },
);

/** The jobs, and a worker that runs them. */
export async function startHeldJobs(ground: TestLake): Promise<HeldJobs> {
  const gates = new Map<string, PromiseWithResolvers<undefined>>();
  const failing = new Set<string>();
  const begun = new Map<string, number>();
  const gate = (key: string): PromiseWithResolvers<undefined> => {
    const known = gates.get(key) ?? Promise.withResolvers<undefined>();
    gates.set(key, known);
    return known;
  };
  const held = defineJob({
    name: 'held-work',
    description: 'Waits to be let go.',
    parameters,
    attempts: 1,
    plan: ({ keys }) => Promise.resolve(keys.map((key, order) => ({ key, order, params: {} }))),
    async run({ key }, { progress, signal }) {
      begun.set(key, (begun.get(key) ?? 0) + 1);
      progress(1, 4, 'quarters');
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      });
      await Promise.race([gate(key).promise, aborted]);
      if (failing.has(key)) throw new TicklakeError('DATA_CORRUPT', `${key} was told to fail`);
      return { rows: key.length };
    },
  });
  const twice = defineChain({
    name: 'held-chain',
    description: 'One after the other.',
    parameters,
    steps: ({ keys }) => keys.map((key) => ({ job: 'held-work', params: { keys: [key] } })),
  });
  const cards = [held, twice];
  const { database, logger, metrics } = ground;
  const jobs = await openJobs({ database, catalogue: createCatalogue(cards), logger, metrics });
  const worker = jobs.startWorker({ pollMs: 50, concurrency: 8 });
  return {
    cards,
    jobs,
    let: (...keys) => keys.forEach((key) => gate(key).resolve(undefined)),
    fail: (key, fails) => void (fails ? failing.add(key) : failing.delete(key)),
    begun: (key) => begun.get(key) ?? 0,
    async close() {
      await worker.close();
      await jobs.close();
    },
  };
}
