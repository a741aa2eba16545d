import { Type, type Static } from 'typebox';
import { intervals } from '#core/market/interval.ts';
import { Decimal, Instant, Nullable, Time } from './common.ts';
import { Asset, PortfolioId } from './trading.ts';

export const ValuedIn = Type.String({
  description: 'Asset that values are told in.',
  pattern: '^[A-Z0-9]{1,20}$',
  default: 'USDT',
});

export const HistoryQuery = Type.Object(
  {
    valuedIn: ValuedIn,
    from: Instant('From when on; default when it was opened.'),
    to: Instant('Until when; default this moment.'),
    interval: Type.Optional(
      Type.Enum([...intervals], {
        description: 'Time between points; default what makes a few hundred of the span, a thousand at most.',
      }),
    ),
  },
  { additionalProperties: false },
);

export const Growth = Nullable(
  Type.Number({
    description:
      'What 1 at the first point has become, whatever was paid in or out meanwhile; null where no price says.',
    examples: [1.042],
  }),
);

const HistoryPoint = Type.Object({
  time: Time('When.'),
  value: Nullable(Decimal('All balances at the prices of that moment; null where one of them had no price.')),
  paidIn: Nullable(
    Decimal('Deposits less withdrawals since the point before, worth what they were then; null as above.'),
  ),
  growth: Growth,
  unpriced: Type.Array(Asset, { description: 'Balances, and money that moved, without a price.' }),
  priceAgeSeconds: Type.Number({
    description: 'How old the oldest of its prices was, by the clock of the venue; a day at most.',
  }),
});

export const PerformanceFigures = Type.Object({
  timeWeightedReturn: Nullable(
    Type.Number({
      description:
        'Growth of what was there all the time, 0.1 for a tenth; null where money moved when no price was known.',
    }),
  ),
  maxDrawdown: Nullable(
    Type.Number({ description: 'The largest fall of that growth from a height before, from 0 to 1.' }),
  ),
});

export const History = Type.Object(
  {
    portfolioId: PortfolioId,
    asset: Asset,
    interval: Type.Enum([...intervals]),
    ...PerformanceFigures.properties,
    points: Type.Array(HistoryPoint, {
      description: 'In the order of time; the last is this moment, or `to`.',
    }),
  },
  { description: 'What a portfolio was worth over time.' },
);
export type History = Static<typeof History>;
