import { Type, type Static } from 'typebox';
import { Decimal, ListOf, Nullable, pageQuery, SourceName, SymbolName, Time } from './common.ts';
import { Amount, OrderId, PortfolioId, RiskDecision } from './trading.ts';

const Side = Type.Enum(['buy', 'sell']);
const OrderType = Type.Enum(['market', 'limit', 'stop_loss', 'stop_limit'], {
  description: 'Stop orders wait until the last price reaches their stopPrice, and are market or limit then.',
});
const TimeInForce = Type.Enum(['GTC', 'IOC', 'FOK'], {
  description: 'Good till cancelled; what can be filled at once; all at once or nothing.',
});
export const OrderStatus = Type.Enum(
  ['pending', 'open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired'],
  { description: 'The first three are open; the last four are ends.' },
);
const ClientOrderId = Type.String({
  description: "The client's own id, unique in the portfolio: asking again with it places nothing new.",
  pattern: '^[A-Za-z0-9_.:-]{1,64}$',
  examples: ['my-order-1'],
});
const Quantity = Amount('Of the base asset, on the steps of the market.', '0.01');
const Price = Amount('Of limit and stop-limit orders: quote per base, on the ticks of the market.', '60000');
const StopPrice = Amount('Of stop orders: the last price at which it becomes active.', '55000');

const examples = [
  {
    portfolioId: '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66',
    ...{ symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.01', price: '60000' },
    clientOrderId: 'my-order-1',
  },
  {
    portfolioId: '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66',
    ...{ symbol: 'ETHUSDT', side: 'sell', type: 'stop_loss', quantity: '0.5', stopPrice: '2100' },
  },
];

export const NewOrder = Type.Object(
  {
    portfolioId: PortfolioId,
    source: Type.Optional(SourceName),
    symbol: SymbolName,
    side: Side,
    type: OrderType,
    quantity: Quantity,
    price: Type.Optional(Price),
    stopPrice: Type.Optional(StopPrice),
    timeInForce: Type.Optional(Type.Enum(['GTC', 'IOC', 'FOK'], { default: 'GTC' })),
    postOnly: Type.Optional(
      Type.Boolean({ description: 'Whether it must rest, and pay the fee of makers.', default: false }),
    ),
    clientOrderId: Type.Optional(ClientOrderId),
  },
  { additionalProperties: false, examples },
);
export type NewOrder = Static<typeof NewOrder>;

export const Order = Type.Object(
  {
    id: OrderId,
    portfolioId: PortfolioId,
    source: Type.String(),
    symbol: SymbolName,
    side: Side,
    type: OrderType,
    quantity: Decimal('Of the base asset.'),
    price: Nullable(Decimal('Quote per base; null where the type has none.')),
    stopPrice: Nullable(Decimal('Null where the type has none.')),
    timeInForce: TimeInForce,
    postOnly: Type.Boolean(),
    clientOrderId: Nullable(Type.String()),
    status: OrderStatus,
    rejectCode: Nullable(Type.String({ description: 'Why it was rejected; from a closed set.' })),
    rejectDetail: Nullable(Type.String({ description: 'The same for people, with what to do.' })),
    filledQuantity: Decimal('Of the base asset.'),
    averagePrice: Nullable(Decimal('Of its fills, rounded; null where there are none.')),
    isCancelRequested: Type.Boolean({
      description:
        'Whether the exchange was asked to end it; until it has, the order is open and its money held.',
    }),
    fees: Decimal(
      'Paid so far, in the quote asset; what an exchange took of the base counts at the price of the fill.',
    ),
    held: Decimal('Reserved for it: quote of a buy, base of a sell.'),
    createdAt: Time('When it was placed.'),
  },
  { description: 'An order; a rejected one is an order, too.' },
);
export type Order = Static<typeof Order>;
export const OrderList = ListOf(Order);

export const Preview = Type.Object({
  isAcceptable: Type.Boolean({ description: 'Whether it would be accepted at this moment.' }),
  rejectCode: Nullable(Type.String()),
  rejectDetail: Nullable(Type.String()),
  held: Decimal('What it would reserve: quote of a buy, base of a sell.'),
  decision: RiskDecision,
});
export type Preview = Static<typeof Preview>;

export const Amendment = Type.Object(
  {
    quantity: Type.Optional(Quantity),
    price: Type.Optional(Price),
    stopPrice: Type.Optional(StopPrice),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'It keeps its place in the queue where only the quantity becomes smaller.',
    examples: [{ price: '59500' }],
  },
);

export const OrderParams = Type.Object({ orderId: OrderId }, { additionalProperties: false });

export const OrdersQuery = Type.Object(
  {
    portfolioId: Type.Optional(PortfolioId),
    symbol: Type.Optional(SymbolName),
    status: Type.Optional(OrderStatus),
    ...pageQuery,
  },
  { additionalProperties: false },
);

export const CancelAllQuery = Type.Object(
  {
    portfolioId: PortfolioId,
    source: Type.Optional(SourceName),
    symbol: Type.Optional(SymbolName),
  },
  { additionalProperties: false },
);
export const Canceled = Type.Object({ items: Type.Array(Order, { description: 'What was cancelled.' }) });

export const CancelAfter = Type.Object(
  {
    portfolioId: PortfolioId,
    seconds: Nullable(
      Type.Integer({
        description: 'All open orders are cancelled after so long, unless this is asked again; null: never.',
        minimum: 1,
        maximum: 86_400,
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ portfolioId: '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66', seconds: 60 }],
  },
);
export const CancelAfterSet = Type.Object({
  portfolioId: PortfolioId,
  cancelAfter: Nullable(Time('When its orders are cancelled.')),
});

export const OrderEvent = Type.Object({
  number: Type.Integer({ description: "In the portfolio's events, from 1, without holes." }),
  type: Type.String({ examples: ['order_accepted', 'order_filled'] }),
  at: Time('When it happened.'),
  details: Type.Record(Type.String(), Type.Unknown(), {
    description: 'The order as it is after it, the fill, and the figures of the decision.',
  }),
});
export type OrderEvent = Static<typeof OrderEvent>;
export const OrderEventList = ListOf(OrderEvent);
