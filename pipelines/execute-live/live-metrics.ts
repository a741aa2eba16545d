import type { Metrics } from '#core/platform/metrics.ts';

export type LiveMetrics = ReturnType<typeof liveMetrics>;

export function liveMetrics(metrics: Metrics) {
  return {
    isOwner: metrics.gauge('ticklake_live_is_owner', 'Whether this process acts for the account'),
    orders: metrics.gauge('ticklake_live_orders', 'Open orders of the live portfolio'),
    carried: metrics.counter(
      'ticklake_live_carried_total',
      'Orders that were sent, asked for or cancelled at the venue, by how that ended',
      ['need', 'result'],
    ),
    looks: metrics.counter(
      'ticklake_live_looks_total',
      'Times that fills and ends of a market were asked for',
      ['result'],
    ),
    compared: metrics.counter(
      'ticklake_live_compared_total',
      'Comparisons of the account with its portfolio',
      ['result'],
    ),
    differences: metrics.counter(
      'ticklake_live_differences_total',
      'Differences between the venue and the books that were found, each once',
      ['kind'],
    ),
  };
}
