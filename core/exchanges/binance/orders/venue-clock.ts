import type { Metrics } from '#core/platform/metrics.ts';

export interface VenueClockOptions {
  source: string;
  /** Asks the venue for its time, milliseconds. */
  askMs: (signal?: AbortSignal) => Promise<number>;
  metrics: Metrics;
}

/** Clocks drift: a measurement counts for so long. */
const maxAgeMs = 10 * 60_000;
const samples = 3;
/** A round trip within this leaves so little doubt that no other is made. */
const goodRoundTripMs = 200;

/**
 * The venue's clock, as the distance of its time from our monotonic one: jumps of our wall clock do not matter. It is out
 * by half a round trip at most.
 */
export class VenueClock {
  readonly #options: VenueClockOptions;
  readonly #meters: ReturnType<typeof createMeters>;
  #offsetMs = 0;
  #measuredAtMs = -Infinity;
  #measuring: Promise<void> | undefined;

  constructor(options: VenueClockOptions) {
    this.#options = options;
    this.#meters = createMeters(options);
  }

  /** The venue's time, milliseconds; throws what asking it throws. */
  async nowMs(signal?: AbortSignal): Promise<number> {
    if (performance.now() - this.#measuredAtMs > maxAgeMs) await this.measure(signal);
    return Math.floor(performance.now() + this.#offsetMs);
  }

  /** Measures anew; whoever asks meanwhile shares the measurement. */
  async measure(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#measuring ??= this.#measure().finally(() => (this.#measuring = undefined));
    await this.#measuring;
  }

  async #measure(): Promise<void> {
    let best = Infinity;
    for (let i = 0; i < samples && best > goodRoundTripMs; i++) {
      const sentMs = performance.now();
      const venueMs = await this.#options.askMs();
      const answeredMs = performance.now();
      if (answeredMs - sentMs >= best) continue;
      best = answeredMs - sentMs;
      this.#offsetMs = venueMs - (sentMs + answeredMs) / 2;
      this.#measuredAtMs = answeredMs;
    }
    this.#meters.measured(this.#offsetMs - (Date.now() - performance.now()), best);
  }
}

function createMeters({ source, metrics }: VenueClockOptions) {
  const measured = metrics.counter(
    'ticklake_order_venue_clock_measured_total',
    "Times the venue's clock was measured.",
    ['source'],
  );
  const offset = metrics.gauge(
    'ticklake_order_venue_clock_offset_ms',
    "How far the venue's clock is ahead of our wall clock.",
    ['source'],
  );
  const doubt = metrics.gauge(
    'ticklake_order_venue_clock_round_trip_ms',
    "Round trip of that measurement: the clock's offset is out by half of it at most.",
    ['source'],
  );
  return {
    measured(offsetMs: number, roundTripMs: number) {
      measured.inc({ source });
      offset.set({ source }, offsetMs);
      doubt.set({ source }, roundTripMs);
    },
  };
}
