import type { Counter, Gauge } from 'prom-client';
import type { Metrics } from '#core/platform/metrics.ts';

const kinds = ['trade', 'kline', 'quote', 'depth', 'refused', 'snapshot', 'answer'] as const;
type MessageKind = (typeof kinds)[number];

/** Figures of a stream. Messages are counted in plain numbers and handed over by `flush`: labels cost too much. */
export class StreamMeters {
  readonly #source: string;
  readonly #counts: Record<MessageKind, number> = {
    ...{ trade: 0, kline: 0, quote: 0, depth: 0, refused: 0, snapshot: 0, answer: 0 },
  };
  readonly #messages: Counter<'source' | 'kind'>;
  readonly #holes: Counter<'source'>;
  readonly #missing: Counter<'source'>;
  readonly #reconnects: Counter<'source'>;
  readonly #connections: Gauge<'source'>;
  readonly #age: Gauge<'source'>;
  #lastMessageMs = performance.now();
  #heardSinceFlush = false;

  constructor(source: string, metrics: Metrics) {
    this.#source = source;
    this.#messages = metrics.counter(
      'ticklake_exchange_stream_messages_total',
      'Messages of the exchange’s streams, by what they were; refused ones were not understood.',
      ['source', 'kind'],
    );
    this.#holes = metrics.counter('ticklake_exchange_stream_holes_total', 'Holes in trade ids.', ['source']);
    this.#missing = metrics.counter(
      'ticklake_exchange_stream_missing_total',
      'Trade ids in those holes, before repair.',
      ['source'],
    );
    this.#reconnects = metrics.counter(
      'ticklake_exchange_stream_reconnects_total',
      'Attempts to connect again after a loss or a failed attempt.',
      ['source'],
    );
    this.#connections = metrics.gauge('ticklake_exchange_stream_connections', 'Live connections.', [
      'source',
    ]);
    this.#age = metrics.gauge(
      'ticklake_exchange_stream_last_message_age_seconds',
      'Time since the last message, or since the stream was opened.',
      ['source'],
    );
  }

  message(kind: MessageKind): void {
    this.#heardSinceFlush = true;
    this.#counts[kind]++;
  }

  hole(missing: number): void {
    this.#holes.inc({ source: this.#source });
    this.#missing.inc({ source: this.#source }, missing);
  }

  reconnect(): void {
    this.#reconnects.inc({ source: this.#source });
  }

  connected(change: 1 | -1): void {
    this.#connections.inc({ source: this.#source }, change);
  }

  flush(): void {
    const source = this.#source;
    const nowMs = performance.now();
    if (this.#heardSinceFlush) this.#lastMessageMs = nowMs;
    this.#heardSinceFlush = false;
    this.#age.set({ source }, (nowMs - this.#lastMessageMs) / 1000);
    for (const kind of kinds) {
      if (this.#counts[kind] === 0) continue;
      this.#messages.inc({ source, kind }, this.#counts[kind]);
      this.#counts[kind] = 0;
    }
  }
}
