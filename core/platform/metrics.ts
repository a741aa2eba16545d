import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * A process's metrics. Passed in, so that a test has its own; names are `ticklake_<room>_<what>_<unit>`.
 * Asking twice for one name gives the same metric.
 */
export class Metrics {
  readonly registry = new Registry();

  /** Adds the process's own figures (CPU, memory, event-loop lag). */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return this.#once(name, () => new Counter({ name, help, labelNames, registers: [this.registry] }));
  }

  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return this.#once(name, () => new Gauge({ name, help, labelNames, registers: [this.registry] }));
  }

  histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ): Histogram<L> {
    return this.#once(
      name,
      () => new Histogram({ name, help, labelNames, buckets, registers: [this.registry] }),
    );
  }

  #once<M>(name: string, make: () => M): M {
    // The registry hands back what was registered under this name; a name is only ever used with one type.
    return (this.registry.getSingleMetric(name) as M | undefined) ?? make();
  }
}
