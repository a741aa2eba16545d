/** The configured venue by its name in the lake. A simulator's seed is part of it: two tapes never mix. */
export function sourceOf({ exchange, simulatorSeed }: { exchange: string; simulatorSeed: number }): string {
  return exchange === 'simulator' ? `simulator:${simulatorSeed}` : exchange;
}
