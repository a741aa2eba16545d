import { Type, type Static } from 'typebox';
import { BarInterval, barsQuery, CandlesQuery } from './candles.ts';
import { ListOf, Nullable, SymbolName, Time } from './common.ts';

const Figure = (description: string) => Nullable(Type.Number({ description }));

/** The twelve indicators at the close of a bar; each null until its window is full. */
export const IndicatorRow = Type.Object({
  openTime: Time('When the bar begins.'),
  close: Type.Number({ description: 'A statistic, as all of these: not money.' }),
  sma20: Figure('Mean of the last 20 closes.'),
  sma50: Figure('Of the last 50.'),
  sma200: Figure('Of the last 200.'),
  bbUpper: Figure('sma20 and two standard deviations of the 20 closes.'),
  bbLower: Figure('sma20 less as much.'),
  bbPercentB: Figure('Where the close stands between them: 0 at the lower, 1 at the upper.'),
  macd: Figure('Exponential mean of 12 closes less that of 26.'),
  macdSignal: Figure('Exponential mean of 9 of that.'),
  macdHistogram: Figure('Their difference.'),
  volatility20: Figure('Standard deviation of the last 20 logarithmic returns.'),
  rsi14: Figure("Wilder's relative strength index."),
  belowAllSmas: Nullable(Type.Boolean({ description: 'Whether the close is below the three means.' })),
  isFilled: Type.Boolean({ description: 'Nothing was traded in the bar.' }),
});
export type IndicatorRow = Static<typeof IndicatorRow>;

const ofMarket = { symbol: SymbolName, source: Type.String(), interval: BarInterval };

export const IndicatorList = Type.Object({ ...ofMarket, ...ListOf(IndicatorRow).properties });
export type IndicatorList = Static<typeof IndicatorList>;

export const LatestIndicators = Type.Object({
  ...ofMarket,
  origin: Type.Enum(['stream', 'lake'], {
    description: 'Computed as the bar closed, or for this answer from the bars held.',
  }),
  indicators: IndicatorRow,
});
export type LatestIndicators = Static<typeof LatestIndicators>;

export const IndicatorsQuery = CandlesQuery;
export const LatestIndicatorsQuery = Type.Object(barsQuery, { additionalProperties: false });
