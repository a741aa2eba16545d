/** One line of a group: our figure beside a peer's, both from interleaved rounds of the same run. */
export interface Measurement {
  name: string;
  unit: string;
  ours: number;
  peer: number;
  peerName: string;
  /** Ours to the peer's. */
  ratio: number;
  /** Largest to smallest of our rounds. */
  spread: number;
  at: string;
}

export interface Benchmark {
  name: string;
  unit: string;
  peerName: string;
  /** Measures one round of ours and one of the peer's; throws when a result is wrong. */
  round(): Promise<{ ours: number; peer: number }>;
  close(): Promise<void>;
}

/** Medians over interleaved rounds. */
export async function measure(benchmark: Benchmark, rounds: number): Promise<Measurement> {
  const ours: number[] = [];
  const peer: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const figures = await benchmark.round();
      ours.push(figures.ours);
      peer.push(figures.peer);
    }
  } finally {
    await benchmark.close();
  }
  const { name, unit, peerName } = benchmark;
  return {
    name,
    unit,
    ours: median(ours),
    peer: median(peer),
    peerName,
    ratio: median(ours) / median(peer),
    spread: Math.max(...ours) / Math.min(...ours),
    at: new Date().toISOString(),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
