/** Canonical trades of all venues, keyed by source and symbol. */
export const tradesTopic = 'trades';

/** The consumer group that brings the log into the lake. */
export const lakeGroup = 'lake';

/** Records of one market stand in one partition, in the order they came. */
export function tradeKey(source: string, symbol: string): string {
  return `${source}|${symbol}`;
}
