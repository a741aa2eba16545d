/** Topics of the event log that several programs write or read. */

/** Canonical trades of all venues, keyed by {@link tradeKey}. */
export const tradesTopic = 'trades';

/** Records of one market stand in one partition, in the order they came. */
export function tradeKey(source: string, symbol: string): string {
  return `${source}|${symbol}`;
}
