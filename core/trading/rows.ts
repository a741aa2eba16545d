import { decimalText, parseDecimal, type Decimal } from '#core/market/decimal.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Column } from '#core/platform/postgres/text-array.ts';
import { canonicalText, parseCanonical } from './codec.ts';
import type { NumberedEvent } from './event.ts';
import type { LiveOrder, Order, OrderRequest, OrderStatus, Side, OrderType, TimeInForce } from './order.ts';
import type {
  Balance,
  Holding,
  Lot,
  Portfolio,
  OrderRate,
  RiskLimits,
  RiskState,
  TradingDay,
} from './portfolio.ts';

/** Rows as the statements of `sql/` answer them; numerics are text. */
export interface HeadRow {
  portfolioId: string;
  number: number;
  hash: Buffer;
  risk: RiskState;
  limits: string;
  orderRate: string;
  day: string;
  cancelAfterUs: number | null;
  venue: string | null;
}

export interface BalanceRow {
  portfolioId: string;
  asset: string;
  available: string;
  held: string;
}

export interface HoldingRow {
  portfolioId: string;
  base: string;
  quote: string;
  quantity: string;
  cost: string;
  realizedAverage: string;
  realizedFifo: string;
}

export interface LotRow {
  portfolioId: string;
  base: string;
  quote: string;
  number: number;
  quantity: string;
  unitCost: string;
}

export interface OrderRow {
  id: string;
  portfolioId: string;
  source: string;
  symbol: string;
  base: string | null;
  quote: string | null;
  side: Side;
  type: OrderType;
  quantity: string;
  price: string | null;
  stopPrice: string | null;
  timeInForce: TimeInForce;
  postOnly: boolean;
  clientOrderId: string | null;
  status: OrderStatus;
  filledQuantity: string;
  filledQuote: string;
  fees: string;
  held: string;
  placedAtUs: number;
  activeAfterTradeId: number;
  queueAhead: string;
  live: string | null;
}

const orderRowColumns = sqlFile(import.meta.url, 'sql/order-columns.sql');

/** The statement, with the columns of an {@link OrderRow} where it says `$columns`. */
export function selectingOrders(sql: string): string {
  return sql.replace('$columns', () => orderRowColumns);
}

/** All rows of one portfolio. */
export interface PortfolioRows {
  balances: readonly BalanceRow[];
  holdings: readonly HoldingRow[];
  lots: readonly LotRow[];
  orders: readonly OrderRow[];
}

export function portfolioOf(head: HeadRow, rows: PortfolioRows): Portfolio {
  const lots = Map.groupBy(rows.lots, ({ base, quote }) => `${base}/${quote}`);
  return {
    id: head.portfolioId,
    number: head.number,
    risk: head.risk,
    limits: parseCanonical(head.limits) as RiskLimits,
    balances: new Map(rows.balances.map((row) => [row.asset, balanceOf(row)])),
    holdings: new Map(
      rows.holdings.map((row) => {
        const key = `${row.base}/${row.quote}`;
        return [key, holdingOf(row, lots.get(key) ?? [])];
      }),
    ),
    orders: new Map(rows.orders.map((row) => [row.id, orderOf(row)])),
    orderRate: JSON.parse(head.orderRate) as OrderRate,
    day: dayOf(head.day),
    ...(head.cancelAfterUs === null ? {} : { cancelAfterUs: head.cancelAfterUs }),
    ...(head.venue === null ? {} : { venue: head.venue }),
  };
}

export function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    source: row.source,
    symbol: row.symbol,
    base: row.base ?? '',
    quote: row.quote ?? '',
    side: row.side,
    type: row.type,
    quantity: parseDecimal(row.quantity),
    ...(row.price === null ? {} : { price: parseDecimal(row.price) }),
    ...(row.stopPrice === null ? {} : { stopPrice: parseDecimal(row.stopPrice) }),
    timeInForce: row.timeInForce,
    postOnly: row.postOnly,
    ...(row.clientOrderId === null ? {} : { clientOrderId: row.clientOrderId }),
    status: row.status,
    filledQuantity: parseDecimal(row.filledQuantity),
    filledQuote: parseDecimal(row.filledQuote),
    fees: parseDecimal(row.fees),
    held: parseDecimal(row.held),
    placedAtUs: row.placedAtUs,
    activeAfterTradeId: row.activeAfterTradeId,
    queueAhead: parseDecimal(row.queueAhead),
    ...(row.live === null ? {} : { live: parseCanonical(row.live) as LiveOrder }),
  };
}

/** The order's columns in the order of `write.sql`. */
export function orderColumns(portfolioId: string, order: Order, event: NumberedEvent): Column[] {
  const refused = event.type === 'order_refused' ? event : undefined;
  return [
    ...[order.id, portfolioId, order.source, order.symbol, order.base, order.quote, ...requestColumns(order)],
    ...[order.status, decimalText(order.filledQuantity), decimalText(order.filledQuote)],
    ...[decimalText(order.fees), decimalText(order.held), String(order.placedAtUs)],
    ...[String(order.activeAfterTradeId), decimalText(order.queueAhead)],
    ...[refused?.code, refused?.detail, String(event.number)],
    order.live === undefined ? null : canonicalText(order.live),
  ];
}

/** The same of an order that was rejected. */
export function rejectedColumns(
  portfolioId: string,
  rejected: Extract<NumberedEvent, { type: 'order_rejected' }>,
): Column[] {
  return [
    ...[rejected.orderId, portfolioId, rejected.request.source, rejected.request.symbol, null, null],
    ...requestColumns(rejected.request),
    ...['rejected', '0', '0', '0', '0', String(rejected.atUs), '-1', '0'],
    ...[rejected.code, rejected.detail, String(rejected.number), null],
  ];
}

export function headColumns(portfolio: Portfolio, hash: Buffer): Column[] {
  return [
    ...[portfolio.id, String(portfolio.number), hash.toString('hex'), portfolio.risk],
    ...[limitsText(portfolio.limits), canonicalText(portfolio.orderRate), canonicalText(portfolio.day)],
    portfolio.cancelAfterUs === undefined ? null : String(portfolio.cancelAfterUs),
    portfolio.venue,
  ];
}

export function balanceColumns(portfolioId: string, asset: string, { available, held }: Balance): Column[] {
  return [portfolioId, asset, decimalText(available), decimalText(held)];
}

export function holdingColumns(portfolioId: string, holding: Holding): Column[] {
  const { base, quote, quantity, cost, realizedAverage, realizedFifo } = holding;
  const amounts = [quantity, cost, realizedAverage, realizedFifo].map(decimalText);
  return [portfolioId, base, quote, ...amounts];
}

export function lotColumns(portfolioId: string, { base, quote }: Holding, lot: Lot): Column[] {
  return [portfolioId, base, quote, String(lot.number), decimalText(lot.quantity), decimalText(lot.unitCost)];
}

function requestColumns(request: OrderRequest): Column[] {
  return [
    ...[request.side, request.type, decimalText(request.quantity)],
    ...[optional(request.price), optional(request.stopPrice), request.timeInForce, String(request.postOnly)],
    request.clientOrderId,
  ];
}

function optional(value: Decimal | undefined): Column {
  return value === undefined ? null : decimalText(value);
}

function balanceOf({ available, held }: BalanceRow): Balance {
  return { available: parseDecimal(available), held: parseDecimal(held) };
}

function holdingOf(row: HoldingRow, lots: readonly LotRow[]): Holding {
  return {
    base: row.base,
    quote: row.quote,
    quantity: parseDecimal(row.quantity),
    cost: parseDecimal(row.cost),
    realizedAverage: parseDecimal(row.realizedAverage),
    realizedFifo: parseDecimal(row.realizedFifo),
    lots: lots.map(({ number, quantity, unitCost }) => ({
      number,
      quantity: parseDecimal(quantity),
      unitCost: parseDecimal(unitCost),
    })),
  };
}

function dayOf(text: string): TradingDay {
  const { date, realized, opening } = JSON.parse(text) as {
    date: string;
    realized: Record<string, string>;
    opening?: Record<string, string>;
  };
  return {
    date,
    realized: amountsOf(realized),
    ...(opening === undefined ? {} : { opening: amountsOf(opening) }),
  };
}

function amountsOf(amounts: Record<string, string>): Map<string, Decimal> {
  return new Map(Object.entries(amounts).map(([name, text]) => [name, parseDecimal(text)]));
}

const limitsTexts = new WeakMap<RiskLimits, string>();

/** Limits seldom change, and are a good part of a head's text. */
function limitsText(limits: RiskLimits): string {
  const text = limitsTexts.get(limits) ?? canonicalText(limits);
  limitsTexts.set(limits, text);
  return text;
}
