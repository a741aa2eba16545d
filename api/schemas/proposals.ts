import { Type, type Static } from 'typebox';
import { intervals } from '#core/market/interval.ts';
import { allocationMethods } from '#core/trading/analytics/allocate.ts';
import { Decimal, Nullable, SymbolName, Time } from './common.ts';
import { NewOrder } from './orders.ts';
import { Asset, PortfolioId } from './trading.ts';

const share = (description: string, fallback: number) =>
  Type.Number({ description, minimum: 0, maximum: 1, default: fallback });

const Method = Type.Enum([...allocationMethods], {
  description:
    'Least variance; the same share of the risk for each; or the most expected return for the risk. All long only.',
});

export const ProposalRequest = Type.Object(
  {
    method: Method,
    assets: Type.Array(Asset, {
      description: 'What to hold; what else the portfolio has is left as it is.',
      minItems: 1,
      maxItems: 30,
      uniqueItems: true,
    }),
    quote: Type.String({
      description: 'Asset that they are bought with.',
      pattern: '^[A-Z0-9]{1,20}$',
      default: 'USDT',
    }),
    interval: Type.Enum([...intervals], { description: 'Of the returns that are looked at.', default: '1d' }),
    periods: Type.Integer({
      description: 'How many of them, back from the last that is over.',
      minimum: 20,
      maximum: 1_000,
      default: 180,
    }),
    maxWeight: Type.Number({
      description: 'Share of one asset at most.',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
    }),
    cash: share('Share that stays in the quote asset.', 0),
    riskFreeRate: Type.Number({
      description: 'Yearly return without risk, of the highest Sharpe ratio.',
      minimum: -1,
      maximum: 10,
      default: 0,
    }),
  },
  {
    additionalProperties: false,
    examples: [{ method: 'minimum_variance', assets: ['BTC', 'ETH'], maxWeight: 0.7, cash: 0.05 }],
  },
);
export type ProposalRequest = Static<typeof ProposalRequest>;

const Proposed = Type.Object({
  asset: Asset,
  symbol: SymbolName,
  weight: Type.Number({ description: 'Share of what is spread, without the cash.' }),
  currentWeight: Type.Number({ description: 'What it is at this moment, of the same.' }),
  riskShare: Type.Number({ description: 'Share of the variance that it bears.' }),
  expectedReturn: Type.Number({ description: 'Mean return, of a year.' }),
  volatility: Type.Number({ description: 'Standard deviation of returns, of a year.' }),
  target: Decimal('Worth of it, in the quote asset.'),
  current: Decimal('Worth of it at this moment: what is available, at the last price.'),
});

export const Proposal = Type.Object(
  {
    portfolioId: PortfolioId,
    method: Method,
    quote: Asset,
    interval: Type.Enum([...intervals]),
    from: Time('Begin of the returns that were looked at, by the clock of the venue.'),
    to: Time('End of them.'),
    observations: Type.Integer({ description: 'Periods of which all assets have a return.' }),
    shrinkage: Type.Number({
      description:
        'How far the covariance was moved towards equal correlations (Ledoit and Wolf), from 0 to 1.',
    }),
    expectedReturn: Type.Number({ description: 'Of the whole in a year; the past, not a promise.' }),
    volatility: Type.Number({ description: 'Of the whole in a year.' }),
    sharpeRatio: Nullable(Type.Number({ description: 'Both together; null where there is no risk.' })),
    weights: Type.Array(Proposed),
    leftOut: Type.Array(Type.Object({ asset: Asset, reason: Type.String() }), {
      description: 'Assets that cannot be looked at.',
    }),
    orders: Type.Array(NewOrder, {
      description:
        'What it takes, sales first: bodies for `POST /v1/orders`. None of them is placed; steps too small for the market are left out.',
    }),
  },
  { description: 'A way to spread money. Nothing is done about it until you place its orders.' },
);
export type Proposal = Static<typeof Proposal>;
