import { expect, it } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { isChain, isJob } from '#core/jobs/job.ts';
import { createJobs, jobCards } from '#pipelines/catalogue.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';

const unused = (): never => {
  throw new Error('wiring a job asks for nothing');
};
const deps: HistoryDeps = {
  ...{ openExchange: unused, openArchive: unused, openPython: unused, spillDir: '/nowhere' },
  // Jobs that are only looked at read neither.
  ...{ lake: undefined as never, database: undefined as never },
};
const cards = createCatalogue(jobCards);
const withCode = createCatalogue(createJobs(deps));

it('offers every job by its card, and runs every card it offers', () => {
  expect(withCode.cards.map(({ name }) => name)).toEqual(cards.cards.map(({ name }) => name));
  for (const card of withCode.cards) expect(isJob(card) || isChain(card)).toBe(true);
  // What asks for runs and what runs them must agree on the parameters.
  for (const { name } of cards.cards)
    expect(withCode.find(name).parameters).toBe(cards.find(name).parameters);
});

it('describes every job and each of its parameters', () => {
  for (const { name, description, parameters } of cards.cards) {
    expect(description, name).toMatch(/^[A-Z].*\.$/);
    const { properties, additionalProperties } = parameters as {
      properties?: Record<string, unknown>;
      additionalProperties?: boolean;
    };
    expect(properties, name).toBeDefined();
    expect(additionalProperties, name).toBe(false);
  }
});

it.each(jobCards.filter(isChain).map((chain) => [chain.name, chain] as const))(
  'the chain %s has steps whose parameters are right',
  (name, chain) => {
    const { params } = cards.check(name, {});
    const steps = chain.steps(params);
    expect(steps.length).toBeGreaterThan(1);
    for (const { job, params: own } of steps) expect(() => cards.check(job, own)).not.toThrow();
  },
);

it('hands the parameters of market-history on to its steps', () => {
  const chain = cards.find('market-history');
  if (!isChain(chain)) throw new Error('market-history is no chain');
  const days = { '1h': 30, trades: 1 };
  const { params } = cards.check('market-history', { top: 7, days, from: '2024-03-01' });
  const steps = new Map(chain.steps(params).map((step) => [step.job, step.params]));
  expect(steps.get('discover-symbols')).toMatchObject({ top: 7 });
  expect(steps.get('detect-gaps')).toMatchObject({ days, from: '2024-03-01' });
});
