import { Type, type Static } from 'typebox';
import { Decimal, ListOf, Nullable, pageQuery, SourceName, SymbolName, Time } from './common.ts';

export const Market = Type.Object({
  symbol: SymbolName,
  source: Type.String(),
  lastPrice: Decimal('Price of the newest trade known.'),
  lastTradeId: Type.Integer(),
  lastTime: Time('Time of that trade at the venue.'),
  openPrice: Nullable(Decimal('Price 24 hours earlier, or of the oldest trade held since.')),
  highPrice: Nullable(Decimal('Highest price of the 24 hours.')),
  lowPrice: Nullable(Decimal('Lowest price of the 24 hours.')),
  changePercent: Nullable(
    Type.Number({ description: 'Of lastPrice against openPrice; a statistic, not money.' }),
  ),
  volume: Nullable(Decimal('Base asset traded in the 24 hours, of what is held.')),
  quoteVolume: Nullable(Decimal('Quote asset traded in the 24 hours, of what is held; rounded.')),
  tradeCount: Type.Integer({ description: 'Trades held of the 24 hours.' }),
});
export type Market = Static<typeof Market>;

export const MarketList = ListOf(Market);
export type MarketList = Static<typeof MarketList>;

export const MarketRules = Type.Object(
  {
    symbol: SymbolName,
    source: Type.String(),
    base: Type.String({ description: 'What is bought and sold.', examples: ['BTC'] }),
    quote: Type.String({ description: 'What it is paid with.', examples: ['USDT'] }),
    isTrading: Type.Boolean({ description: 'Whether the venue takes orders at present.' }),
    tickSize: Decimal('Prices are multiples of it.'),
    stepSize: Decimal('Quantities are multiples of it.'),
    minNotional: Decimal('Price times quantity is at least this, in the quote asset.'),
    makerFee: Decimal('Share of the quote amount that an order pays for what it gives by resting.'),
    takerFee: Decimal('Share of the quote amount that an order pays for what it takes at once.'),
  },
  { description: 'What orders of a market keep to, and what they cost.' },
);
export type MarketRules = Static<typeof MarketRules>;

export const TradeSide = Type.Union([Type.Literal('buy'), Type.Literal('sell')], {
  description: "The taker's side.",
});

export const Trade = Type.Object({
  symbol: SymbolName,
  source: Type.String(),
  tradeId: Type.Integer({ description: "The venue's id, unique per source and symbol." }),
  price: Decimal('Quote asset per base asset.'),
  volume: Decimal('Quantity in base asset.'),
  side: TradeSide,
  timestamp: Time('Event time at the venue.'),
});
export type Trade = Static<typeof Trade>;

export const TradeList = ListOf(Trade);
export type TradeList = Static<typeof TradeList>;

export const MarketParams = Type.Object({ symbol: SymbolName }, { additionalProperties: false });
export const MarketQuery = Type.Object(
  { source: Type.Optional(SourceName) },
  { additionalProperties: false },
);
export const MarketsQuery = Type.Object(
  { source: Type.Optional(SourceName), ...pageQuery },
  { additionalProperties: false },
);
export const TradesQuery = Type.Object(
  { source: Type.Optional(SourceName), ...pageQuery },
  { additionalProperties: false },
);
