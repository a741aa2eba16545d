export interface BackOff {
  firstMs: number;
  maxMs: number;
}

/** Wait before the attempt after `failures` failed ones (1 or more): doubles, bounded; between half and all of it. */
export function backOffMs(failures: number, backOff: BackOff, random: () => number = Math.random): number {
  const full = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full / 2 + (full / 2) * random());
}
