import { Type, type Static } from 'typebox';
import { Decimal, Nullable } from './common.ts';

export const uuid = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

export const PortfolioId = Type.String({
  description: 'Id of a portfolio.',
  pattern: uuid,
  examples: ['7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66'],
});

export const OrderId = Type.String({
  description: 'Id of an order.',
  pattern: uuid,
  examples: ['e2a1a0f7-6c0e-4c57-9d4e-6f0f2b1f7a10'],
});

export const Asset = Type.String({
  description: 'A coin or currency, in capitals.',
  pattern: '^[A-Z0-9]{1,20}$',
  examples: ['USDT', 'BTC'],
});

/** What a client names: not negative, no sign, no exponent, 18 places at most. */
export const Amount = (description: string, example: string) =>
  Type.String({
    description,
    pattern: '^(0|[1-9]\\d{0,19})(\\.\\d{1,18})?$',
    examples: [example],
  });

export const RiskState = Type.Enum(['active', 'reducing', 'halted'], {
  description: '`reducing` takes only orders that make a position smaller, `halted` none.',
});

const limits = {
  positionNotionalMax: Amount('Worth of one position at most, in the quote asset.', '100000000'),
  orderNotionalMax: Amount('Worth of one order at most, in the quote asset.', '10000000'),
  openOrdersMax: Type.Integer({ description: 'Open orders at most.', minimum: 0 }),
  ordersPerMinuteMax: Type.Integer({ description: 'Orders in a minute at most.', minimum: 0 }),
  priceCollar: Amount('A price at most so far from the last one, as a share of it.', '0.2'),
  dailyLossMax: Amount('Lost in a UTC day of the market, after which orders only reduce.', '1000000'),
  staleAfterMs: Type.Integer({
    description: "Prices older than this, by the market's clock, are not traded on.",
    minimum: 0,
  }),
};

export const RiskLimits = Type.Object(limits, { additionalProperties: false });
export type RiskLimits = Static<typeof RiskLimits>;

export const SomeLimits = Type.Partial(RiskLimits, { additionalProperties: false });
export type SomeLimits = Static<typeof SomeLimits>;

export const Reason = Type.String({ description: 'Why; it is kept.', minLength: 1, maxLength: 500 });

/** The figures that an order was decided on. */
export const RiskDecision = Type.Object({
  portfolioRisk: RiskState,
  globalRisk: RiskState,
  lastPrice: Nullable(Decimal('The last price that was known.')),
  priceAgeMs: Nullable(Type.Number({ description: "How old it was, by the market's clock." })),
  notional: Nullable(Decimal('Worth of the order.')),
  positionNotional: Nullable(Decimal('Worth of the position with it.')),
  openOrders: Type.Integer(),
  ordersInMinute: Type.Integer(),
  dailyLoss: Nullable(Decimal('Lost in the day so far.')),
});
export type RiskDecision = Static<typeof RiskDecision>;

export const IdempotencyKey = Type.String({
  description: 'Asking again with the same key and body is answered alike, for ever, and done once.',
  minLength: 1,
  maxLength: 200,
});
export const OnceHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) });
