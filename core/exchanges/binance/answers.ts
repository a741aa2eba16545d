import { Ajv } from 'ajv';
import { Type, type Static, type TSchema } from 'typebox';
import type { Endpoint } from './http.ts';

/** Binance spot's REST answers, as far as this adapter reads them. Unknown fields are allowed. */
const Decimal = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: 64 });
const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** Milliseconds or microseconds. */
const Time = Type.Integer({ minimum: 1e11, maximum: Number.MAX_SAFE_INTEGER });
const Name = Type.String({ minLength: 1, maxLength: 40 });
const Levels = Type.Array(Type.Tuple([Decimal, Decimal]));

const ajv = new Ajv({ strict: true });

function endpoint<S extends TSchema>(path: string, schema: S): Endpoint<Static<S>> {
  return { path, answer: ajv.compile<Static<S>>(schema) };
}

const Filter = Type.Object({
  filterType: Type.String(),
  tickSize: Type.Optional(Decimal),
  stepSize: Type.Optional(Decimal),
  minQty: Type.Optional(Decimal),
  minNotional: Type.Optional(Decimal),
});

export const SymbolRules = Type.Object({
  symbol: Name,
  status: Type.String(),
  baseAsset: Name,
  quoteAsset: Name,
  permissions: Type.Optional(Type.Array(Name)),
  permissionSets: Type.Optional(Type.Array(Type.Array(Name))),
  filters: Type.Array(Filter),
});

const RateLimit = Type.Object({
  rateLimitType: Type.String(),
  interval: Type.String(),
  intervalNum: Type.Integer(),
  limit: Type.Integer({ minimum: 1 }),
});

export const TickerRow = Type.Object({
  symbol: Name,
  lastPrice: Decimal,
  openPrice: Decimal,
  highPrice: Decimal,
  lowPrice: Decimal,
  volume: Decimal,
  quoteVolume: Decimal,
  openTime: Time,
  closeTime: Time,
  firstId: Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }),
  lastId: Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }),
  count: Id,
});

export const KlineRow = Type.Tuple([
  Time, // open time
  Decimal, // open
  Decimal, // high
  Decimal, // low
  Decimal, // close
  Decimal, // volume
  Time, // close time
  Decimal, // quote volume
  Id, // number of trades
  Decimal, // taker buy volume
  Decimal, // taker buy quote volume
  Type.Unknown(), // unused
]);

export const TradeRow = Type.Object({
  id: Id,
  price: Decimal,
  qty: Decimal,
  time: Time,
  isBuyerMaker: Type.Boolean(),
});

export const AggTradeRow = Type.Object({
  a: Id,
  p: Decimal,
  q: Decimal,
  f: Id,
  l: Id,
  T: Time,
  m: Type.Boolean(),
});

const v3 = '/api/v3';

export const exchangeInfo = endpoint(
  `${v3}/exchangeInfo`,
  Type.Object({ rateLimits: Type.Array(RateLimit), symbols: Type.Array(SymbolRules) }),
);
export const ticker24hr = endpoint(`${v3}/ticker/24hr`, Type.Array(TickerRow));
export const klines = endpoint(`${v3}/klines`, Type.Array(KlineRow));
export const historicalTrades = endpoint(`${v3}/historicalTrades`, Type.Array(TradeRow));
export const aggTrades = endpoint(`${v3}/aggTrades`, Type.Array(AggTradeRow));
export const depth = endpoint(`${v3}/depth`, Type.Object({ lastUpdateId: Id, bids: Levels, asks: Levels }));
export const time = endpoint(`${v3}/time`, Type.Object({ serverTime: Time }));
/** The simulator's own: which tape it plays. */
export const simulatorState = endpoint('/simulator/state', Type.Object({ seed: Type.Integer() }));
