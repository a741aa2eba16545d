import { Type, type Static } from 'typebox';
import { intervals } from '#core/market/interval.ts';
import { Decimal, Instant, ListOf, Nullable, pageQuery, SourceName, SymbolName, Time } from './common.ts';

/** Lengths of the lake's bars. */
export const BarInterval = Type.Enum([...intervals], { description: 'Length of the bars.' });

/** Lengths of live bars. */
export const StreamInterval = Type.Enum(['1s', ...intervals], { description: 'Length of the bars.' });

export const Candle = Type.Object({
  openTime: Time('When the bar begins.'),
  open: Decimal('First price.'),
  high: Decimal('Highest price.'),
  low: Decimal('Lowest price.'),
  close: Decimal('Last price.'),
  volume: Decimal('Traded, in base asset.'),
  quoteVolume: Decimal('Traded, in quote asset.'),
  trades: Type.Integer(),
  takerBuyVolume: Decimal('Bought by takers, in base asset.'),
  takerBuyQuoteVolume: Decimal('Bought by takers, in quote asset.'),
  isFilled: Type.Boolean({ description: 'Nothing was traded: flat at the price before.' }),
  isComplete: Type.Boolean({ description: 'Whether all its trades were there.' }),
  origin: Type.Enum(['kline', 'candle'], { description: "The venue's own bar, or ours, made from trades." }),
  revision: Nullable(
    Type.Integer({
      description: 'Of our bar: a later one takes the place of the earlier. Null for a kline.',
    }),
  ),
});
export type Candle = Static<typeof Candle>;

export const CandleList = Type.Object({
  symbol: SymbolName,
  source: Type.String(),
  interval: BarInterval,
  ...ListOf(Candle).properties,
});
export type CandleList = Static<typeof CandleList>;

/** Bars of one market at the newest first; what routes over them take. */
export const barsQuery = {
  source: Type.Optional(SourceName),
  interval: Type.Enum([...intervals], { description: 'Length of the bars.', default: '1m' }),
};

export const CandlesQuery = Type.Object(
  {
    ...barsQuery,
    from: Instant('The first bar opens then or later.'),
    to: Instant('Bars open before then.'),
    ...pageQuery,
  },
  { additionalProperties: false },
);
