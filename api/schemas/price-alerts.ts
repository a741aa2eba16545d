import { Type, type Static } from 'typebox';
import { Decimal, ListOf, Nullable, pageQuery, SymbolName, Time } from './common.ts';
import { Amount, uuid } from './trading.ts';

const PriceAlertId = Type.String({
  description: 'Id of a price alert.',
  pattern: uuid,
  examples: ['0b0f7a55-8c4e-4a52-9a76-2d6c2b9b4a11'],
});
const Direction = Type.Enum(['above', 'below'], {
  description: '`above`: told of the first trade at the price or above it; `below`: at it or below.',
});
const Note = Type.String({ description: 'Told with it.', minLength: 1, maxLength: 200 });

export const PriceAlert = Type.Object({
  id: PriceAlertId,
  symbol: SymbolName,
  source: Type.String({ examples: ['simulator:42'] }),
  direction: Direction,
  price: Decimal('Quote asset per base asset.'),
  note: Nullable(Note),
  createdAt: Time('When it was set.'),
  raisedAt: Nullable(Time('When it was told; null while it waits.')),
});
export type PriceAlert = Static<typeof PriceAlert>;

export const PriceAlertList = ListOf(PriceAlert);
export type PriceAlertList = Static<typeof PriceAlertList>;

export const PriceAlertsQuery = Type.Object(pageQuery, { additionalProperties: false });

export const NewPriceAlert = Type.Object(
  {
    symbol: SymbolName,
    source: Type.Optional(
      Type.String({
        description: 'The venue; default the one this service is configured for.',
        pattern: '^[a-z0-9]+(:[A-Za-z0-9_.-]+)?$',
        maxLength: 80,
      }),
    ),
    direction: Direction,
    price: Amount('Quote asset per base asset, above 0.', '70000'),
    note: Type.Optional(Note),
  },
  {
    additionalProperties: false,
    examples: [{ symbol: 'BTCUSDT', direction: 'above', price: '70000', note: 'take profit' }],
  },
);
export type NewPriceAlert = Static<typeof NewPriceAlert>;

export const PriceAlertParams = Type.Object({ priceAlertId: PriceAlertId });
