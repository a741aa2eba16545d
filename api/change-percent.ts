/** Change in per cent to two digits, null without an opening price; a statistic. */
export function changePercent(open: number, last: number): number | null {
  return open > 0 ? Math.round(((last - open) / open) * 10_000) / 100 : null;
}
