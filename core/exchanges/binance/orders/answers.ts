import { Ajv } from 'ajv';
import { Type, type Static, type TSchema } from 'typebox';
import type { Endpoint } from '#core/exchanges/binance/http.ts';

/** What Binance spot answers about orders, as far as this adapter reads it. Unknown fields are allowed. */
const Decimal = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: 64 });
const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Name = Type.String({ minLength: 1, maxLength: 40 });
const ClientOrderId = Type.String({ maxLength: 64 });
/** Milliseconds or microseconds. */
const Time = Type.Integer({ minimum: 1e11, maximum: Number.MAX_SAFE_INTEGER });

const statuses = [
  ...(['PENDING_NEW', 'NEW', 'PARTIALLY_FILLED', 'FILLED'] as const),
  ...(['CANCELED', 'PENDING_CANCEL', 'REJECTED', 'EXPIRED', 'EXPIRED_IN_MATCH'] as const),
];

const OrderRow = Type.Object({
  symbol: Name,
  orderId: Id,
  clientOrderId: ClientOrderId,
  /** Of the answer to a cancel, whose own id is then the `clientOrderId`. */
  origClientOrderId: Type.Optional(ClientOrderId),
  side: Type.Enum(['BUY', 'SELL']),
  type: Type.String({ maxLength: 40 }),
  status: Type.Enum([...statuses]),
  origQty: Decimal,
  executedQty: Decimal,
  cummulativeQuoteQty: Decimal,
});
export type OrderRow = Static<typeof OrderRow>;

const FillRow = Type.Object({
  symbol: Name,
  id: Id,
  orderId: Id,
  price: Decimal,
  qty: Decimal,
  quoteQty: Decimal,
  commission: Decimal,
  commissionAsset: Name,
  time: Time,
  isBuyer: Type.Boolean(),
  isMaker: Type.Boolean(),
});
export type FillRow = Static<typeof FillRow>;

const Account = Type.Object({
  balances: Type.Array(Type.Object({ asset: Name, free: Decimal, locked: Decimal })),
});

const ajv = new Ajv({ strict: true });

function endpoint<S extends TSchema>(name: string, schema: S): Endpoint<Static<S>> {
  return { path: `/api/v3/${name}`, answer: ajv.compile<Static<S>>(schema) };
}

export const order = endpoint('order', OrderRow);
export const openOrders = endpoint('openOrders', Type.Array(OrderRow));
export const myTrades = endpoint('myTrades', Type.Array(FillRow));
export const account = endpoint('account', Account);
