/** One line of a group: our figure beside a peer's, both from interleaved rounds of the same run. */
export interface Measurement extends Line {
  ours: number;
  peer: number;
  /** Ours to the peer's. */
  ratio: number;
  /** Largest to smallest of our rounds. */
  spread: number;
  at: string;
}

export interface Line {
  /** `ingest.freshness`: the group and what is measured, as the targets name it. */
  name: string;
  unit: string;
  peerName: string;
}

export interface Figures {
  ours: number;
  peer: number;
}

export interface Benchmark {
  lines: readonly Line[];
  /** Measures each line once, in their order; throws when a result is wrong. */
  round(): Promise<readonly Figures[]>;
  close(): Promise<void>;
}

/** What a benchmark lacks on this machine, and how to get it. */
export interface Missing {
  missing: string;
}

export type OpenBenchmark = () => Promise<Benchmark | Missing>;

/** Medians over interleaved rounds; `onRound` hears of each as it ends. Closes the benchmark. */
export async function measure(
  benchmark: Benchmark,
  rounds: number,
  onRound: (round: number, figures: readonly Figures[]) => void,
): Promise<Measurement[]> {
  const measured: (readonly Figures[])[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      const figures = await benchmark.round();
      measured.push(figures);
      onRound(round, figures);
    }
  } finally {
    await benchmark.close();
  }
  return benchmark.lines.map((line, index) => {
    const figures = measured.flatMap((round) => round[index] ?? []);
    const ours = figures.map((of) => of.ours);
    const peer = figures.map((of) => of.peer);
    return {
      ...{ name: line.name, unit: line.unit, ours: quantile(ours, 0.5), peer: quantile(peer, 0.5) },
      peerName: line.peerName,
      ratio: quantile(ours, 0.5) / quantile(peer, 0.5),
      spread: Math.max(...ours) / Math.min(...ours),
      at: new Date().toISOString(),
    };
  });
}

/** The smallest value that at least the share `q` of the values do not pass; NaN where there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}
