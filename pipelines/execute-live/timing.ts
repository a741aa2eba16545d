/** How often, and for how long. Milliseconds. */
export interface LiveTiming {
  /** The account is another's to take when it was not renewed for so long. */
  leaseMs: number;
  /** Whether something has happened to the portfolio is looked for so often. */
  tickMs: number;
  /** Between two looks at markets at the venue: each weighs 26 of the 6,000 that it takes in a minute. */
  lookEveryMs: number;
  compareEveryMs: number;
  /** Between two orders, by and large: the venue takes 100 in ten seconds, and one that it refuses is not sent again. */
  sendEveryMs: number;
  /** How long the venue may take an order after it was marked. */
  sendWithinMs: number;
}

export const liveTiming: LiveTiming = {
  ...{ leaseMs: 10_000, tickMs: 50, lookEveryMs: 500 },
  ...{ compareEveryMs: 60_000, sendEveryMs: 110, sendWithinMs: 5_000 },
};
