import { Type, type Static } from 'typebox';
import { intervals } from '#core/market/interval.ts';
import { Decimal, Instant, ListOf, Nullable, pageQuery, SourceName, SymbolName, Time } from './common.ts';

const Interval = Type.Enum([...intervals], { description: 'Length of the bars.', default: '1d' });

const SnapshotId = Nullable(
  Type.String({ description: 'The snapshot of market.klines that was read; null where there is none.' }),
);

const Traded = (asset: string) =>
  Type.Object({
    total: Decimal(`In ${asset} asset.`),
    average: Decimal('Of a bar that is held, rounded to 8 places.'),
    maximum: Decimal('In one bar.'),
  });

export const BarStatistics = Type.Object({
  symbol: SymbolName,
  source: Type.String(),
  interval: Interval,
  from: Time('Begin of the window.'),
  to: Time('End of the window, which is not in it.'),
  bars: Type.Integer({ description: 'Bars held in the window.' }),
  filledBars: Type.Integer({ description: 'Those of them in which nothing traded, as the venue confirmed.' }),
  first: Time('Open time of the first bar.'),
  last: Time('Open time of the last bar.'),
  open: Decimal('Of the first bar.'),
  high: Decimal('Highest price.'),
  low: Decimal('Lowest price.'),
  close: Decimal('Of the last bar.'),
  changePercent: Nullable(Type.Number({ description: 'Of close against open; a statistic, not money.' })),
  volume: Traded('base'),
  quoteVolume: Traded('quote'),
  trades: Type.Integer(),
  volatility: Nullable(
    Type.Number({
      description: 'Standard deviation of the logarithmic returns from bar to bar, of the sample.',
    }),
  ),
  missingBars: Type.Integer({ description: 'Bars between the first and the last that are not held.' }),
  missingDays: Type.Integer({ description: 'UTC days to which those belong.' }),
  snapshotId: SnapshotId,
});
export type BarStatistics = Static<typeof BarStatistics>;

export const MarketSummary = Type.Object({
  symbol: SymbolName,
  source: Type.String(),
  lastPrice: Nullable(Decimal('Close of its newest bar; null where that is older than four days.')),
  lastTime: Nullable(Time('End of that bar.')),
  changePercent: Nullable(Type.Number({ description: 'In the 24 hours up to then.' })),
  volume: Nullable(Decimal('Base asset traded in them.')),
  quoteVolume: Nullable(Decimal('Quote asset traded in them.')),
  trades: Nullable(Type.Integer()),
  completeness: Type.Object(
    {
      expected: Type.Integer(),
      held: Type.Integer(),
      explained: Type.Integer(),
      missing: Type.Integer(),
    },
    { description: 'Bars of all time, by the ledger.' },
  ),
});
export type MarketSummary = Static<typeof MarketSummary>;

export const MarketSummaryList = Type.Object({
  ...ListOf(MarketSummary).properties,
  interval: Interval,
  snapshotId: SnapshotId,
});
export type MarketSummaryList = Static<typeof MarketSummaryList>;

export const RankingBy = Type.Enum(
  ['average_volume', 'maximum_volume', 'average_quote_volume', 'maximum_quote_volume'],
  {
    description: 'What of a bar: its average over the window, or its maximum.',
    default: 'average_quote_volume',
  },
);
export type RankingBy = Static<typeof RankingBy>;

export const Rank = Type.Object({
  rank: Type.Integer({ description: 'From 1; equal values stand in alphabetical order.' }),
  symbol: SymbolName,
  value: Decimal('What it is ranked by; an average is rounded to 8 places.'),
  bars: Type.Integer({ description: 'Bars held in the window.' }),
});
export type Rank = Static<typeof Rank>;

export const Rankings = Type.Object({
  by: RankingBy,
  source: Type.String(),
  interval: Interval,
  from: Nullable(Time('Begin of the window.')),
  to: Nullable(Time('End of the newest bar held of the source; null where none is.')),
  items: Type.Array(Rank),
  snapshotId: SnapshotId,
});
export type Rankings = Static<typeof Rankings>;

const barQuery = { source: Type.Optional(SourceName), interval: Interval };

export const StatisticsQuery = Type.Object(
  {
    ...barQuery,
    from: Instant('Begin of the window; default 365 days before its end.'),
    to: Instant('End of the window; default the end of the newest bar held.'),
  },
  { additionalProperties: false },
);
export const SummaryQuery = Type.Object({ ...barQuery, ...pageQuery }, { additionalProperties: false });
export const RankingsQuery = Type.Object(
  {
    ...barQuery,
    by: RankingBy,
    days: Type.Integer({
      description: 'Length of the window, up to the newest bar; at most 31 for bars shorter than an hour.',
      minimum: 1,
      maximum: 366,
      default: 30,
    }),
    limit: Type.Integer({
      description: 'Most markets in the answer.',
      minimum: 1,
      maximum: 1000,
      default: 20,
    }),
  },
  { additionalProperties: false },
);
