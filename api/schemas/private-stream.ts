import { Type, type Static } from 'typebox';
import { Alert } from './alerts.ts';
import { Decimal, Nullable, Problem, Time } from './common.ts';
import { NewOrder, Order } from './orders.ts';
import { Asset, IdempotencyKey, OrderId, PortfolioId } from './trading.ts';

export const portfolioChannelsPerClientMax = 50;

const strict = { additionalProperties: false } as const;
const channel = Type.Enum(['orders', 'balances']);
const ofAlerts = { channel: Type.Literal('alerts') };
const Id = Type.String({
  description: "The client's own name of the message, repeated in the answer.",
  maxLength: 64,
});

/** What a client says about what is its user's. */
export const PrivateMessage = Type.Union([
  Type.Object(
    { op: Type.Literal('authenticate'), token: Type.String({ maxLength: 2048 }) },
    { ...strict, description: 'For clients that cannot send a header: the token of POST /v1/sessions.' },
  ),
  Type.Object(
    {
      op: Type.Literal('subscribe'),
      channel,
      portfolioId: PortfolioId,
      resumeToken: Type.Optional(Type.String({ maxLength: 4096 })),
    },
    strict,
  ),
  Type.Object({ op: Type.Literal('unsubscribe'), channel, portfolioId: PortfolioId }, strict),
  Type.Object(
    {
      ...{ op: Type.Literal('subscribe'), ...ofAlerts },
      resumeToken: Type.Optional(Type.String({ maxLength: 4096 })),
    },
    { ...strict, description: 'The alerts that GET /v1/alerts lists, as they are raised and acknowledged.' },
  ),
  Type.Object({ op: Type.Literal('unsubscribe'), ...ofAlerts }, strict),
  Type.Object(
    {
      op: Type.Literal('placeOrder'),
      id: Id,
      order: NewOrder,
      idempotencyKey: Type.Optional(IdempotencyKey),
    },
    { ...strict, description: 'As POST /v1/orders; both know the same keys.' },
  ),
  Type.Object(
    {
      op: Type.Literal('cancelOrder'),
      id: Id,
      orderId: OrderId,
      idempotencyKey: Type.Optional(IdempotencyKey),
    },
    { ...strict, description: 'As DELETE /v1/orders/:orderId.' },
  ),
]);
export type PrivateMessage = Static<typeof PrivateMessage>;

export const StreamBalance = Type.Object({
  asset: Asset,
  total: Decimal('`available` and `held` together.'),
  available: Decimal('What orders and withdrawals may take.'),
  held: Decimal('What open orders have reserved.'),
});
export type StreamBalance = Static<typeof StreamBalance>;

export const StreamOrderEvent = Type.Object({
  number: Type.Integer({ description: "Of the portfolio's events." }),
  type: Type.String({ examples: ['order_accepted', 'order_filled'] }),
  at: Time('When it happened.'),
  order: Order,
  fill: Nullable(
    Type.Object({
      quantity: Decimal('Of the base asset.'),
      price: Decimal('Quote per base.'),
      fee: Decimal('In `feeAsset`.'),
      feeAsset: Asset,
      liquidity: Type.Enum(['maker', 'taker']),
      tradeId: Type.Integer({ description: 'Of the tape; of a live order its fill at the exchange.' }),
    }),
  ),
});
export type StreamOrderEvent = Static<typeof StreamOrderEvent>;

const of = { portfolioId: PortfolioId };
const numbered = {
  sequence: Type.Integer({ description: 'Number of the newest event that is in it.' }),
  resumeToken: Type.String(),
};
const update = { op: Type.Literal('update'), ...of, ...numbered };
const snapshot = { op: Type.Literal('snapshot'), ...of, ...numbered, reset: Type.Boolean() };

const alertData = {
  sequence: Type.Integer({ description: 'Number of the newest change that was told.' }),
  data: Type.Array(Alert, { description: 'An alert that comes again has changed.' }),
  resumeToken: Type.String(),
};

/** What the service says about it. */
export const PrivateAnswer = Type.Union([
  Type.Object({ op: Type.Literal('authenticated'), userId: Type.String() }),
  Type.Object({ ...snapshot, channel: Type.Literal('orders'), data: Type.Array(Order) }),
  Type.Object({ ...update, channel: Type.Literal('orders'), data: Type.Array(StreamOrderEvent) }),
  Type.Object({ ...snapshot, channel: Type.Literal('balances'), data: Type.Array(StreamBalance) }),
  Type.Object({ ...update, channel: Type.Literal('balances'), data: Type.Array(StreamBalance) }),
  Type.Object({ op: Type.Enum(['resumed', 'unsubscribed']), channel, ...of }),
  Type.Object({ op: Type.Literal('snapshot'), ...ofAlerts, ...alertData, reset: Type.Boolean() }),
  Type.Object({ op: Type.Literal('update'), ...ofAlerts, ...alertData }),
  Type.Object({ op: Type.Enum(['resumed', 'unsubscribed']), ...ofAlerts }),
  Type.Object({ op: Type.Literal('placed'), id: Id, order: Order, isReplay: Type.Boolean() }),
  Type.Object({ op: Type.Literal('canceled'), id: Id, order: Order }),
  Type.Object({ op: Type.Literal('refused'), id: Id, problem: Problem }),
]);
export type PrivateAnswer = Static<typeof PrivateAnswer>;
