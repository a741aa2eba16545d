/** A scheduler in a process of its own, by a clock that runs fast from a given start, and stands still at an end. */
import { openJobsAs } from './harness.ts';
import { timetable } from './timetable.ts';

const { url, simulatedStartMs, simulatedEndMs, realStartMs, speed } = JSON.parse(process.argv[2] ?? '') as {
  url: string;
  simulatedStartMs: number;
  simulatedEndMs: number;
  realStartMs: number;
  speed: number;
};
const { jobs } = await openJobsAs(url, 'ingest', { waitingRunsMax: 1_000_000 });
const clock = {
  nowMs: () => Math.min(simulatedEndMs, simulatedStartMs + (Date.now() - realStartMs) * speed),
};
jobs.createScheduler({ timetable, clock, pollMs: 20 }).start();
