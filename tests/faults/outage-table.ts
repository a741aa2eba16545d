/** What becomes of a request while something is gone. */
export type Outcome =
  /** As ever. */
  | 'answers'
  /** With the last answer, marked as such. */
  | 'last answer'
  /** 503, with what to do. */
  | 'refused';

export const outages = ['Postgres', 'log', 'files'] as const;
export type Outage = (typeof outages)[number];

/** What still answers; docs/reliability.md shows it, and `outages.it.test.ts` sees that it is so. */
export const outageTable: readonly { what: string; while: Record<Outage, Outcome> }[] = [
  {
    what: '`/health` names what is down; `/metrics`, `/docs`, the page',
    while: { Postgres: 'answers', log: 'answers', files: 'answers' },
  },
  {
    what: 'the keys that tokens are checked by',
    while: { Postgres: 'answers', log: 'answers', files: 'answers' },
  },
  {
    what: 'the price of a market',
    while: { Postgres: 'last answer', log: 'answers', files: 'last answer' },
  },
  {
    what: 'trades, candles and indicators of the lake',
    while: { Postgres: 'last answer', log: 'answers', files: 'last answer' },
  },
  {
    what: 'coverage, signals',
    while: { Postgres: 'last answer', log: 'answers', files: 'answers' },
  },
  {
    what: 'live prices on the socket',
    while: { Postgres: 'answers', log: 'last answer', files: 'answers' },
  },
  {
    what: 'own orders and balances, over REST and as the socket is asked for them',
    while: { Postgres: 'refused', log: 'answers', files: 'answers' },
  },
  {
    what: 'orders being placed and cancelled',
    while: { Postgres: 'refused', log: 'answers', files: 'answers' },
  },
  { what: 'signing in', while: { Postgres: 'refused', log: 'answers', files: 'answers' } },
];

/** The table as docs/reliability.md has it. */
export function outageDocs(): string {
  return [
    '| what is asked | Postgres gone | log (Kafka) gone | files of the lake gone |',
    '|---|---|---|---|',
    ...outageTable.map(({ what, while: of }) => `| ${what} | ${outages.map((one) => of[one]).join(' | ')} |`),
  ].join('\n');
}
