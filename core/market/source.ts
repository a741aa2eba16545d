import type { Config } from '#core/platform/config.ts';

/** The configured venue by its name in the lake. A simulator's seed is part of it: two tapes never mix. */
export function sourceOf({ exchange, simulatorSeed }: Pick<Config, 'exchange' | 'simulatorSeed'>): string {
  return exchange === 'simulator' ? `simulator:${simulatorSeed}` : exchange;
}
