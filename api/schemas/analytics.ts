import { Type, type Static } from 'typebox';
import { Decimal, Instant, ListOf, Nullable, pageQuery, SourceName, SymbolName, Time } from './common.ts';
import { PerformanceFigures, ValuedIn } from './history.ts';
import { Asset, PortfolioId, uuid } from './trading.ts';

const UserId = Type.String({
  description: 'Id of a user.',
  pattern: uuid,
  examples: ['0f8c2f6e-5d0a-4f57-9b52-3c8f0f9a1d11'],
});

const whose = {
  portfolioId: Type.Optional(PortfolioId),
  userId: Type.Optional(UserId),
};

const hours = {
  from: Instant('From when on, taken to the begin of its hour; default from the beginning.'),
  to: Instant('Until when, taken to the begin of its hour; default this moment.'),
};

const Count = (description: string) => Type.Integer({ description, minimum: 0 });

const traded = {
  fills: Count('Fills of orders.'),
  volume: Decimal('Paid and received, without fees.'),
  fees: Decimal('Paid in fees.'),
};

export const VolumeQuery = Type.Object(
  {
    ...whose,
    ...hours,
    bucket: Type.Enum(['hour', 'day', 'all'], {
      description: 'What is added up: UTC hours, days, or all the time.',
      default: 'day',
    }),
    ...pageQuery,
  },
  { additionalProperties: false },
);

const Volume = Type.Object({
  time: Nullable(Time('Begin of its hour or day; null where all the time is added up.')),
  source: SourceName,
  symbol: SymbolName,
  quote: Asset,
  quantity: Decimal('Bought and sold, in the base asset.'),
  ...traded,
  buyVolume: Decimal('Paid for purchases.'),
  sellVolume: Decimal('Received for sales.'),
});

export const VolumeList = Type.Object(
  {
    totals: Type.Array(Type.Object({ quote: Asset, ...traded }), {
      description: 'Of all pages together, by quote asset.',
    }),
    ...ListOf(Volume).properties,
  },
  { description: 'What was traded, in the quote asset of each market.' },
);
export type VolumeList = Static<typeof VolumeList>;

const orders = {
  portfolios: Count('Portfolios they have.'),
  ordersPlaced: Count('Orders asked for, those that were rejected included.'),
  ordersRejected: Count('Orders that were rejected.'),
  ordersCanceled: Count('Orders that were cancelled before they were filled.'),
  ordersExpired: Count('Orders that the venue ended.'),
};

const inAsset = {
  ...traded,
  realizedProfit: Decimal('Of sales, by average cost, fees included.'),
};

export const UsersQuery = Type.Object(
  { ...whose, ...hours, quote: ValuedIn, ...pageQuery },
  { additionalProperties: false },
);

const User = Type.Object({
  userId: UserId,
  ...orders,
  ...inAsset,
  otherQuotes: Type.Array(Asset, { description: 'What else they traded for, which is not in these sums.' }),
  lastActive: Nullable(Time('Begin of the last hour in which something happened.')),
});

export const UserList = Type.Object(
  {
    asset: Asset,
    totals: Type.Object({ users: Count('Users with portfolios.'), ...orders, ...inAsset }),
    ...ListOf(User).properties,
  },
  { description: 'What users did, who traded most first; money in one quote asset.' },
);
export type UserList = Static<typeof UserList>;

export const PerformanceQuery = Type.Object(
  {
    ...whose,
    ...hours,
    valuedIn: ValuedIn,
    by: Type.Enum(['user', 'portfolio'], { description: 'Whose figures the items are.', default: 'user' }),
    cursor: pageQuery.cursor,
    limit: Type.Integer({ description: 'Most items in the answer.', minimum: 1, maximum: 50, default: 20 }),
  },
  { additionalProperties: false },
);

const performance = {
  startValue: Nullable(Decimal('What there was at the begin; null where something had no price.')),
  endValue: Nullable(Decimal('What there was at the end; null as above.')),
  paidIn: Nullable(
    Decimal('Deposits less withdrawals, worth what they were then; null where that is not known.'),
  ),
  profit: Nullable(
    Decimal('What there was at the end beyond the begin and what was paid in; null as above.'),
  ),
  realizedProfit: Decimal('Of sales for this asset, by average cost, fees included.'),
  realizedProfitFifo: Decimal('The same by the lots sold first in, first out.'),
  unrealizedProfit: Nullable(
    Decimal(
      'What is held stands above its cost, of what was bought for this asset; null where `to` lies in the past or a price is missing.',
    ),
  ),
  fees: Decimal('Paid in fees, in this asset.'),
  volume: Decimal('Traded for this asset.'),
  turnover: Nullable(
    Type.Number({ description: 'Volume over the average of what there was; null where there was nothing.' }),
  ),
  ...PerformanceFigures.properties,
  unpriced: Type.Array(Asset, { description: 'What had no price at the begin, the end, or when it moved.' }),
};

const PerformanceItem = Type.Object({
  userId: UserId,
  portfolioId: Nullable(PortfolioId),
  ...performance,
});

export const PerformanceList = Type.Object(
  {
    asset: Asset,
    from: Time('Begin of what is told of.'),
    to: Time('End of it.'),
    overall: Type.Object(performance, { description: 'All portfolios that are meant, taken as one.' }),
    ...ListOf(PerformanceItem).properties,
  },
  { description: 'What became of money: of each, and of all together.' },
);
export type PerformanceList = Static<typeof PerformanceList>;
