import type { Metrics } from '#core/platform/metrics.ts';

export type WorkerMetrics = ReturnType<typeof workerMetrics>;

export function workerMetrics(metrics: Metrics) {
  return {
    waiting: metrics.gauge('ticklake_jobs_waiting', 'Plans and partitions that wait'),
    running: metrics.gauge('ticklake_jobs_running', 'Plans and partitions that this worker runs'),
    attempts: metrics.counter('ticklake_jobs_attempts_total', 'Attempts that ended, by how', [
      ...(['job', 'kind', 'outcome'] as const),
    ]),
    seconds: metrics.histogram(
      'ticklake_jobs_attempt_seconds',
      'One attempt at a plan or a partition',
      ['job', 'kind'],
      [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600],
    ),
    takenOver: metrics.counter(
      'ticklake_jobs_taken_over_total',
      'Attempts taken from workers whose lease was over',
    ),
    leasesLost: metrics.counter('ticklake_jobs_leases_lost_total', 'Times this worker has lost its lease'),
    troubles: metrics.counter('ticklake_jobs_troubles_total', 'Rounds of a worker that failed', ['loop']),
  };
}
