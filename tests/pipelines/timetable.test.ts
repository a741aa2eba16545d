import { expect, it } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { parseCron } from '#core/jobs/cron.ts';
import { jobCards } from '#pipelines/catalogue.ts';
import { timetable, triggers } from '#pipelines/timetable.ts';

const cards = createCatalogue(jobCards);

it('has something to do, and no two entries of one name', () => {
  expect(timetable.length).toBeGreaterThan(0);
  const names = [...timetable, ...triggers].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it.each(timetable.map((entry) => [entry.name, entry] as const))(
  '%s asks at times that come for a job that there is, with parameters that are right',
  (_name, { cron, job, params }) => {
    expect(() => cards.check(job, params)).not.toThrow();
    const nowMs = Date.parse('2026-03-01T00:00:00Z');
    const next = parseCron(cron).next(nowMs);
    expect(next).toBeGreaterThan(nowMs);
    // Once in an hour at the most: what is wanted sooner is triggered.
    expect(parseCron(cron).between(nowMs, nowMs + 86_400_000, 100).total).toBeLessThanOrEqual(24);
  },
);

it('no two entries begin in the same minute', () => {
  const nowMs = Date.parse('2026-03-01T00:00:00Z');
  const minutes = timetable.flatMap(
    ({ cron }) => parseCron(cron).between(nowMs, nowMs + 86_400_000, 100).ticks,
  );
  expect(new Set(minutes).size).toBe(minutes.length);
});

it.each(triggers.map((trigger) => [trigger.name, trigger] as const))(
  'trigger %s asks for a job that there is, with parameters that are right',
  (_name, { job, params }) => {
    expect(() => cards.check(job, params('some-mark'))).not.toThrow();
  },
);
