import { Type, type Static } from 'typebox';
import { Decimal, ListOf, Nullable, pageQuery, Time } from './common.ts';
import { Amount, Asset, OrderId, PortfolioId, Reason, RiskLimits, RiskState, SomeLimits } from './trading.ts';

const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Long term'] });

export const NewPortfolio = Type.Object(
  {
    name: Name,
    limits: Type.Optional(SomeLimits),
    execution: Type.Optional(
      Type.Enum(['paper', 'live'], {
        description:
          'Whether its orders are executed on paper, or go to the account at the exchange. The account has one portfolio; ' +
          'it takes an operator or admin to open it, and a service that is configured for it.',
        default: 'paper',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ name: 'Long term' }] },
);

export const PortfolioSummary = Type.Object({
  id: PortfolioId,
  name: Type.String(),
  execution: Type.Enum(['paper', 'live']),
  createdAt: Time('When it was opened.'),
});
export type PortfolioSummary = Static<typeof PortfolioSummary>;
export const PortfolioList = ListOf(PortfolioSummary);

const Balance = Type.Object({
  asset: Asset,
  total: Decimal('`available` and `held` together.'),
  available: Decimal('What orders and withdrawals may take.'),
  held: Decimal('What open orders have reserved.'),
});

const Holding = Type.Object({
  asset: Asset,
  quote: Type.String({ description: 'The asset it was bought for.', examples: ['USDT'] }),
  quantity: Decimal('Bought and not sold yet.'),
  costBasis: Decimal('Paid for it, fees included, by average cost.'),
  averageCost: Decimal('The same for one, rounded.'),
  lastPrice: Nullable(Decimal('Of its market; null where no price is known.')),
  marketValue: Nullable(Decimal('Quantity at that price, rounded down.')),
  unrealizedProfit: Nullable(Decimal('Market value beyond the cost basis.')),
  realizedProfit: Decimal('Of all sales by average cost, fees included.'),
  realizedProfitFifo: Decimal('The same by the lots sold first in, first out.'),
});

const Value = Type.Object(
  {
    asset: Asset,
    total: Decimal('All balances at last prices, rounded down.'),
    unrealizedProfit: Decimal('Of holdings bought for this asset.'),
    realizedProfit: Decimal('Of sales for this asset, by average cost.'),
    unpriced: Type.Array(Asset, { description: 'Balances that no price in this asset is known of.' }),
  },
  { description: 'What it all is worth.' },
);

export const Portfolio = Type.Object(
  {
    ...PortfolioSummary.properties,
    eventNumber: Type.Integer({ description: 'Of its newest event: what all this follows from.' }),
    riskState: RiskState,
    cancelAfter: Nullable(Time('When all its orders are cancelled unless that is moved on.')),
    openOrders: Type.Integer(),
    balances: Type.Array(Balance),
    holdings: Type.Array(Holding),
    value: Value,
  },
  { description: 'A portfolio with its money.' },
);
export type Portfolio = Static<typeof Portfolio>;

export const PortfolioParams = Type.Object({ portfolioId: PortfolioId }, { additionalProperties: false });
export const PortfolioQuery = Type.Object(
  {
    valuedIn: Type.String({
      description: 'Asset that the value is told in.',
      pattern: '^[A-Z0-9]{1,20}$',
      default: 'USDT',
    }),
    asOf: Type.Optional(
      Type.Union([Type.String({ pattern: '^[1-9]\\d{0,14}$' }), Type.String({ format: 'date-time' })], {
        description: 'As it was after the event of this number, or at this time; valued at present prices.',
        examples: ['2', '2026-03-01T12:00:00Z'],
      }),
    ),
  },
  { additionalProperties: false },
);
export const PortfoliosQuery = Type.Object(pageQuery, { additionalProperties: false });

export const MoneyMoved = Type.Object(
  { asset: Asset, amount: Amount('How much, above 0.', '10000') },
  { additionalProperties: false, examples: [{ asset: 'USDT', amount: '10000' }] },
);

const Entry = Type.Object({
  asset: Asset,
  account: Type.Enum(['available', 'held', 'external', 'market', 'fees']),
  amount: Decimal('What came in; less than 0 what went out.'),
});

export const Transaction = Type.Object(
  {
    id: Type.String({ description: 'Of a deposit or withdrawal; of a fill `<order>:<event number>`.' }),
    type: Type.Enum(['deposit', 'withdrawal', 'fill']),
    portfolioId: PortfolioId,
    eventNumber: Type.Integer(),
    orderId: Nullable(OrderId),
    entries: Type.Array(Entry, { description: 'Double entry: they sum to zero in each asset.' }),
    at: Time('When it was settled.'),
  },
  { description: 'Money that was moved.' },
);
export type Transaction = Static<typeof Transaction>;
export const TransactionList = ListOf(Transaction);
export const TransactionsQuery = Type.Object(
  { portfolioId: PortfolioId, ...pageQuery },
  { additionalProperties: false },
);

export const ReconciliationQuery = Type.Object({ portfolioId: PortfolioId }, { additionalProperties: false });
export const Reconciliation = Type.Object({
  portfolioId: PortfolioId,
  eventNumber: Type.Integer({ description: 'Of its newest event at that moment.' }),
  isRight: Type.Boolean({ description: 'Whether nothing differs and the chain of events is whole.' }),
  differences: Type.Array(
    Type.Object({
      against: Type.Enum(['ledger', 'events']),
      figure: Type.String({ examples: ['balances.USDT.available'] }),
      stored: Nullable(Type.String()),
      expected: Nullable(Type.String()),
    }),
  ),
  chain: Type.Object({
    events: Type.Integer({ description: 'Events that are as they were written.' }),
    hash: Type.String({ description: 'SHA-256 of the last of them, hexadecimal.' }),
    fault: Nullable(Type.Object({ number: Type.Integer(), detail: Type.String() })),
  }),
});
export type Reconciliation = Static<typeof Reconciliation>;

export const PortfolioRisk = Type.Object({
  state: RiskState,
  globalState: RiskState,
  limits: RiskLimits,
});
export type PortfolioRisk = Static<typeof PortfolioRisk>;

export const RiskChange = Type.Object(
  { state: Type.Optional(RiskState), reason: Type.Optional(Reason), limits: Type.Optional(SomeLimits) },
  {
    additionalProperties: false,
    description: 'Limits that are not named stay as they are.',
    minProperties: 1,
    examples: [{ limits: { orderNotionalMax: '5000' } }, { state: 'halted', reason: 'a program ran away' }],
  },
);

export const RiskSwitch = Type.Object(
  {
    state: RiskState,
    reason: Reason,
    portfolioId: Type.Optional(PortfolioId),
    cancelOrders: Type.Boolean({ description: 'Whether open orders are cancelled, too.', default: false }),
  },
  {
    additionalProperties: false,
    examples: [{ state: 'halted', reason: 'the feed is wrong', cancelOrders: true }],
  },
);
export const RiskSwitched = Type.Object({
  state: RiskState,
  portfolioId: Nullable(PortfolioId),
  canceledOrders: Type.Integer({ description: 'Orders that were cancelled with it.' }),
});
