import type { Column, ColumnType, LakeTable } from './table.ts';

type Definition = readonly [name: string, type: ColumnType, required: boolean, doc: string];

const definitions: readonly Definition[] = [
  ['account', 'string', true, 'Pseudonym of the portfolio'],
  ['owner', 'string', true, 'Pseudonym of the user whose it is'],
  [
    'number',
    'long',
    true,
    'Of the event, unique in its account; numbers between are of events that are of no order',
  ],
  ['type', 'string', true, 'order_accepted, order_rejected, order_filled, ...'],
  ['timestamp', 'timestamptz', true, 'When it was written, by our clock'],
  ['order_id', 'string', true, 'Pseudonym of the order'],
  ['source', 'string', true, 'Venue'],
  ['symbol', 'string', true, 'Market, by the name its venue gives it'],
  ['base', 'string', false, 'Asset that is traded; null of an order that was rejected'],
  ['quote', 'string', false, 'Asset in which prices are; null as above'],
  ['side', 'string', true, 'buy or sell'],
  ['order_type', 'string', true, 'market, limit, stop_loss or stop_limit'],
  ['time_in_force', 'string', true, 'GTC, IOC or FOK'],
  ['post_only', 'boolean', true, 'Whether it may only rest'],
  ['status', 'string', true, 'Of the order after the event'],
  ['quantity', 'decimal(38, 18)', true, 'Of the order, in base asset'],
  ['price', 'decimal(38, 18)', false, 'Limit of the order; null where its type has none'],
  ['stop_price', 'decimal(38, 18)', false, 'Null where its type has none'],
  ['filled_quantity', 'decimal(38, 18)', true, 'So far, in base asset'],
  ['filled_quote', 'decimal(38, 18)', true, 'So far, in quote asset, without fees'],
  [
    'fees',
    'decimal(38, 18)',
    true,
    'So far, in quote asset; what a venue took of the base at the price of its fill, of a third asset nothing',
  ],
  [
    'fill_quantity',
    'decimal(38, 18)',
    false,
    'Of this fill; null for other events, as all that follows of fills',
  ],
  ['fill_price', 'decimal(38, 18)', false, 'Quote asset per base asset'],
  ['fill_fee', 'decimal(38, 18)', false, 'In quote asset, as fees'],
  ['liquidity', 'string', false, 'maker or taker'],
  ['trade_id', 'long', false, 'Trade of the tape that filled or triggered it'],
  ['market_time', 'timestamptz', false, 'When it was filled, by the clock of the venue'],
  ['realized_average', 'decimal(38, 18)', false, 'Gained by the sale beyond its average cost, fees included'],
  ['realized_fifo', 'decimal(38, 18)', false, 'The same by lots, first in, first out'],
  ['reason', 'string', false, 'Why it was rejected, cancelled or expired'],
  [
    'risk_state',
    'string',
    false,
    'Of the portfolio as it was placed; null for other events, as all that follows',
  ],
  ['last_price', 'decimal(38, 18)', false, 'Of the market as it was placed'],
  ['price_age_ms', 'double', false, "How old that was, by the venue's clock"],
  ['notional', 'decimal(38, 18)', false, 'Worth of the order'],
  ['position_notional', 'decimal(38, 18)', false, 'Worth of the position with it'],
  ['open_orders', 'long', false, 'Orders that were open'],
  ['orders_in_minute', 'long', false, 'Orders in the minute before'],
  ['daily_loss', 'decimal(38, 18)', false, 'Lost in the day so far'],
  ['date', 'date', true, 'UTC day of timestamp'],
];

/** What has happened to orders, for analysts: nobody is known from it without the key of the pseudonyms. */
export const orderEvents: LakeTable = {
  namespace: 'trading',
  name: 'order_events',
  columns: definitions.map(([name, type, required, doc], i): Column => ({
    ...{ id: i + 1, name, type, required, doc },
  })),
  partition: [{ column: 'date', transform: 'identity' }],
  sortColumns: ['account', 'number'],
  key: { kind: 'none' },
};
