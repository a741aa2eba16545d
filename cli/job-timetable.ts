import { parseCron } from '#core/jobs/cron.ts';
import { listSchedules, listTriggers } from '#core/jobs/views.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { timetable, triggers } from '#pipelines/timetable.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';

/** Prints the shipped timetable beside what schedulers have made of it. Times are in UTC. */
export async function showTimetable(context: CliContext, database: Transaction): Promise<void> {
  const known = new Map((await listSchedules(database)).map((schedule) => [schedule.name, schedule]));
  const seen = new Map((await listTriggers(database)).map((trigger) => [trigger.name, trigger]));
  const entries = timetable.map(({ name, cron, job, params = {}, missed, enabled = true }) => {
    const { lastTick = null, decidedUntil = null } = known.get(name) ?? {};
    const next = enabled ? parseCron(cron).next(Date.now()) : undefined;
    const nextTick = next === undefined ? null : new Date(next).toISOString();
    return { name, cron, job, params, missed, enabled, nextTick, lastTick, decidedUntil };
  });
  const events = triggers.map(({ name, job }) => {
    const { runId = null, seenAt = null } = seen.get(name) ?? {};
    return { name, job, lastRunId: runId, seenAt };
  });
  context.output.result({ entries, triggers: events }, () =>
    [
      table(
        ['entry', 'cron (UTC)', 'job', 'if missed', 'next', 'last', 'what became of it'],
        entries.map(({ lastTick, ...entry }) => [
          ...[entry.name, entry.cron, entry.job, entry.missed, entry.nextTick, lastTick?.at],
          lastTick === null
            ? 'no tick yet'
            : [lastTick.state, lastTick.reason, lastTick.runId].filter(Boolean).join(' '),
        ]),
      ),
      ...(events.length === 0
        ? []
        : [
            table(
              ['trigger', 'job', 'last seen', 'last run'],
              events.map((event) => [event.name, event.job, event.seenAt, event.lastRunId]),
            ),
          ]),
    ].join('\n\n'),
  );
  if (known.size === 0) {
    context.output.note(
      'no scheduler has run here yet: start one with `ticklake up` or `ticklake run scheduler`',
    );
  }
}
