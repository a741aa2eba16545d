import type { Metrics } from '#core/platform/metrics.ts';

export type StreamMetrics = ReturnType<typeof streamMetrics>;

export function streamMetrics(metrics: Metrics) {
  return {
    clients: metrics.gauge('ticklake_stream_clients', 'Open client sockets'),
    messages: metrics.counter('ticklake_stream_messages_total', 'Messages sent to clients'),
    sentBytes: metrics.counter('ticklake_stream_sent_bytes', 'Characters of messages sent to clients'),
    slowReaders: metrics.counter(
      'ticklake_stream_slow_readers_total',
      'Clients closed as they read too slowly',
    ),
    refused: metrics.counter('ticklake_stream_refused_total', 'Clients turned away as too many were there', [
      'of',
    ]),
    resumes: metrics.counter('ticklake_stream_resumes_total', 'Clients that came with a token', ['result']),
  };
}
