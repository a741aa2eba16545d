import type { Metrics } from '#core/platform/metrics.ts';

/** The figures every adapter of the event log keeps. */
export type LogMetrics = ReturnType<typeof logMetrics>;

export function logMetrics(metrics: Metrics) {
  return {
    appendedRecords: metrics.counter('ticklake_log_appended_records_total', 'Records appended.', ['topic']),
    appendSeconds: metrics.histogram('ticklake_log_append_seconds', 'From the call until durable.'),
    appendInFlightBytes: metrics.gauge('ticklake_log_append_in_flight_bytes', 'Bytes of appends under way.'),
    bufferedBytes: metrics.gauge('ticklake_log_buffered_bytes', 'Bytes fetched that wait for the consumer.', [
      'group',
      'topic',
    ]),
    joins: metrics.counter('ticklake_log_group_joins_total', 'Times the consumer group was joined.', [
      'group',
      'topic',
    ]),
  };
}
