import type { Metrics } from '#core/platform/metrics.ts';

export type DeliveryMetrics = ReturnType<typeof deliveryMetrics>;

export function deliveryMetrics(metrics: Metrics) {
  const of = ['consumer'];
  return {
    events: metrics.counter('ticklake_events_taken_total', 'Events of trading that a consumer took', of),
    failures: metrics.counter('ticklake_events_failures_total', 'Attempts of a consumer that failed', [
      ...of,
      'code',
    ]),
    behind: metrics.gauge(
      'ticklake_events_portfolios_behind',
      'Portfolios whose events a consumer could not take at its last look at all of them',
      of,
    ),
    seconds: metrics.histogram('ticklake_events_take_seconds', 'Taking what the log brought at once', of),
    unreadable: metrics.counter(
      'ticklake_events_unreadable_total',
      'Records of the topic that are no events',
    ),
  };
}
