/** A worker in a process of its own. */
import { openJobsAs } from './harness.ts';

const { url, leaseMs, concurrency } = JSON.parse(process.argv[2] ?? '') as {
  url: string;
  leaseMs: number;
  concurrency: number;
};
const { jobs } = await openJobsAs(url, 'ingest');
jobs.startWorker({ leaseMs, concurrency, pollMs: 50 });
