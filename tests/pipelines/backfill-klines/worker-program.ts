/** A worker of all jobs, in a process of its own. */
import { openHistoryJobs, type JobPlace } from './jobs.ts';

const place = JSON.parse(process.argv[2] ?? '') as JobPlace;
const jobs = await openHistoryJobs(place);
jobs.startWorker({ leaseMs: 1_000, pollMs: 50, concurrency: 2 });
