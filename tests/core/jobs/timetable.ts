import type { TimetableEntry } from '#core/jobs/scheduler.ts';

const entry = { job: 'work', missed: 'catch-up', whenRunning: 'allow' } as const;

export const timetable: readonly TimetableEntry[] = [
  { ...entry, name: 'hourly', cron: '5 * * * *', params: { label: 'hourly' } },
  { ...entry, name: 'daily', cron: '30 2 * * *' },
  { ...entry, name: 'weekdays', cron: '0 6,18 * * 1-5' },
  { ...entry, name: 'last-day', cron: '0 0 L * *' },
];
