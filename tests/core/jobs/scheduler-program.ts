/** A scheduler in a process of its own, by a clock that runs fast from a given start. */
import { openJobsAs } from './harness.ts';
import { timetable } from './timetable.ts';

const { url, simulatedStartMs, realStartMs, speed } = JSON.parse(process.argv[2] ?? '') as {
  url: string;
  simulatedStartMs: number;
  realStartMs: number;
  speed: number;
};
const { jobs } = await openJobsAs(url, 'ingest', { waitingRunsMax: 1_000_000 });
const clock = { nowMs: () => simulatedStartMs + (Date.now() - realStartMs) * speed };
// By this clock a slow start of a process is an absence of weeks.
jobs.createScheduler({ timetable, clock, pollMs: 20, catchUpMax: 1_000_000 }).start();
