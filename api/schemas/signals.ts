import { Type, type Static } from 'typebox';
import { BarInterval } from './candles.ts';
import { Decimal, Instant, ListOf, pageQuery, SymbolName, Time } from './common.ts';

export const SignalKind = Type.Enum(['BUY', 'SELL']);

/** What a strategy said at the close of a bar, once. */
export const Signal = Type.Object({
  signalId: Type.String({ format: 'uuid' }),
  strategy: Type.String({ examples: ['ma_crossover'] }),
  version: Type.String(),
  symbol: SymbolName,
  source: Type.String(),
  interval: BarInterval,
  openTime: Time('When the bar begins that it was said at.'),
  signal: SignalKind,
  price: Decimal("The bar's close."),
  reason: Type.String(),
  sma50: Type.Number(),
  sma200: Type.Number(),
  createdAt: Time('When it was said.'),
});
export type Signal = Static<typeof Signal>;

export const SignalList = ListOf(Signal);
export type SignalList = Static<typeof SignalList>;

const filters = {
  strategy: Type.Optional(Type.String({ pattern: '^[a-z0-9_]{1,60}$', examples: ['ma_crossover'] })),
  symbol: Type.Optional(SymbolName),
  interval: Type.Optional(BarInterval),
  source: Type.Optional(Type.String({ description: 'One venue; default all.', maxLength: 80 })),
  signal: Type.Optional(SignalKind),
};

export const SignalsQuery = Type.Object(
  {
    ...filters,
    from: Instant('Of bars that begin then or later.'),
    to: Instant('Of bars that begin before then.'),
    ...pageQuery,
  },
  { additionalProperties: false },
);
export type SignalsQuery = Static<typeof SignalsQuery>;

export const LatestSignalsQuery = Type.Object({ ...filters, ...pageQuery }, { additionalProperties: false });
export type LatestSignalsQuery = Static<typeof LatestSignalsQuery>;
