/** Ways to break a trade's message; each stands for something seen from a real venue or feared of one. */
const ways: readonly ((data: string) => string)[] = [
  (data) => data.slice(0, Math.floor(data.length / 2)),
  (data) => data.replace(/"p":"[^"]*",/, ''),
  (data) => data.replace(/"p":"/, '"p":"-'),
  (data) => data.replace(/"q":"[^"]*"/, '"q":"NaN"'),
  (data) => data.replace(/"p":"[^"]*"/, '"p":"0.00000000"'),
  (data) => data.replace(/"t":(\d+)/, '"t":"$1"'),
  (data) => data.replace(/"s":"[^"]*"/, '"s":"NOSUCHCOIN"'),
  (data) => data.replace(/"T":\d+/, '"T":4102444800000'),
  (data) => data.replace(/"T":\d+/, '"T":978307200000'),
  (data) => data.replace(/"q":"[^"]*"/, '"q":{}'),
];

/** How many ways there are: so many in a row show each once. */
export const malformedWays = ways.length;

/** A trade's message broken in the `turn`-th way. Cut-off JSON leaves the envelope broken too. */
export function malform(data: string, turn: number): string {
  return ways[turn % ways.length]?.(data) ?? data;
}
