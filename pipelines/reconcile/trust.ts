/** Who says something of a bar: the exchange's REST now, the bars that are held, and those made from trades. */
export type Channel = 'rest' | 'klines' | 'candles';

/** Two channels that do not say the same of one field of a bar. */
export interface Difference {
  source: string;
  symbol: string;
  interval: string;
  /** RFC 3339, microseconds. */
  openTime: string;
  /** A column; `bar` where one of them has no bar. */
  field: string;
  /** The bar in the lake that was checked, and what it was checked against. Values are text, null without a bar. */
  checked: { channel: 'klines' | 'candles'; value: string | null };
  against: { channel: Channel; value: string | null };
  /** Of candles: whether all trades of the bar are held. Bars of the exchange are complete. */
  isComplete: boolean;
  /** Whether the exchange's bar in the lake was filled by us, as the exchange had none. */
  isFilled: boolean;
  /** Whether the bar before or after has just as many trades too few as this one has too many, or the reverse. */
  isShifted: boolean;
}

export interface Verdict {
  trusted: Channel;
  reason: string;
}

interface Rule extends Verdict {
  holds: (difference: Difference) => boolean;
}

const isOf =
  (checked: Channel, against?: Channel) =>
  (difference: Difference): boolean =>
    difference.checked.channel === checked &&
    (against === undefined || difference.against.channel === against);
const ofCandles = isOf('candles');
const ofHeldBars = isOf('klines');

/**
 * Whom to believe, the first rule that holds. The exchange's word of now comes before its earlier one. A candle is only as
 * good as its trades: without all of them it says nothing, with all of them it is what the exchange's own bar was made of.
 */
const rules: readonly Rule[] = [
  {
    holds: (difference) => difference.field === 'bar',
    trusted: 'klines',
    reason: 'the exchange gave the bar before, and gives none now',
  },
  {
    holds: (difference) => ofHeldBars(difference) && difference.isFilled,
    trusted: 'rest',
    reason: 'the bar was filled by us as the exchange had none, and now it has one',
  },
  {
    holds: ofHeldBars,
    trusted: 'rest',
    reason: 'the exchange says so now: the bar that is held was restated since',
  },
  {
    holds: (difference) => isOf('candles', 'klines')(difference) && difference.isFilled,
    trusted: 'candles',
    reason: 'the bar was filled by us as the exchange had none, but trades of it are held',
  },
  ...fromExchange(
    (difference) => ofCandles(difference) && !difference.isComplete,
    'trades of the bar are not held',
  ),
  ...fromExchange(
    (difference) => ofCandles(difference) && difference.isShifted,
    'trades at the edge of the bar stand in the bar beside it: the exchange counts by a finer time than it publishes',
  ),
  {
    holds: ofCandles,
    trusted: 'candles',
    reason: 'every trade of the bar is held, by its ids, and adds up to this',
  },
];

/** A rule that trusts the exchange's bar, whichever way it came. */
function fromExchange(holds: Rule['holds'], reason: string): Rule[] {
  return (['rest', 'klines'] as const).map((trusted) => ({
    holds: (difference) => difference.against.channel === trusted && holds(difference),
    ...{ trusted, reason },
  }));
}

/** Which of the two to believe, and why. */
export function trustedOf(difference: Difference): Verdict {
  const rule = rules.find(({ holds }) => holds(difference));
  return {
    trusted: rule?.trusted ?? difference.against.channel,
    reason: rule?.reason ?? 'no rule speaks for the other',
  };
}
