import type { Order, OrderEvent } from '#api/schemas/orders.ts';
import type { Portfolio, Transaction } from '#api/schemas/portfolios.ts';
import { add, decimalText, parseSum, zero, type Decimal } from '#core/market/decimal.ts';
import type { SureClient } from '../sure-client.ts';
import type { BookedFill, BookedOrder, Books } from './books.ts';
import type { Trader } from './load.ts';

/** What the API shows of a portfolio, all of it. */
export interface ShownPortfolio {
  books: Books;
  /** Of all its orders, those that were rejected too. */
  orderIds: ReadonlySet<string>;
  /** What orders hold, by asset; those of nothing are left out. */
  held: Record<string, string>;
  riskState: string;
  /** Of rejected orders and of those that the exchange refused, how many for which reason. */
  refusals: Record<string, number>;
  /** Transactions whose entries do not sum to zero in an asset. */
  unbalanced: string[];
  /** By the API's own reckoning. */
  isRight: boolean;
  differences: readonly unknown[];
}

interface FillDetails {
  tradeId: number;
  price: string;
  quantity: string;
  fee: string;
  feeAsset?: string;
}

const pageMax = 500;
/** All events of a portfolio are read for it. */
const reconcileMs = 60_000;

/** Asks the API for all that there is of a portfolio. */
export async function showPortfolio(client: SureClient, trader: Trader): Promise<ShownPortfolio> {
  const { token, portfolioId } = trader;
  const get = async <T>(path: string, answerMs?: number): Promise<T> => {
    const { status, body } = await client.ask('GET', path, { token, ...(answerMs && { answerMs }) });
    if (status !== 200) throw new Error(`GET ${path} was answered by ${status}: ${JSON.stringify(body)}`);
    return body as T;
  };
  const all = async <T>(path: string): Promise<T[]> => {
    const items: T[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: { items: T[]; nextCursor: string | null } = await get(
        `${path}?portfolioId=${portfolioId}&limit=${pageMax}${after}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return items;
  };

  const orders = await all<Order>('/v1/orders');
  const fills: BookedFill[] = [];
  for (const order of orders) {
    if (order.status === 'rejected' && order.filledQuantity === '0') continue;
    const { items } = await get<{ items: OrderEvent[] }>(`/v1/orders/${order.id}/events`);
    fills.push(...items.flatMap((event) => fillIn(order, event)));
  }
  const portfolio = await get<Portfolio>(`/v1/portfolios/${portfolioId}`);
  const check = `/v1/reconciliation?portfolioId=${portfolioId}`;
  const { isRight, differences } = await get<{ isRight: boolean; differences: unknown[] }>(
    check,
    reconcileMs,
  );
  return {
    books: {
      orders: orders.filter(({ rejectCode }) => rejectCode === null).map(bookedOrder),
      fills,
      balances: new Map(portfolio.balances.map(({ asset, total }) => [asset, total])),
    },
    orderIds: new Set(orders.map(({ id }) => id)),
    held: Object.fromEntries(
      portfolio.balances.flatMap(({ asset, held }) => (held === '0' ? [] : [[asset, held]])),
    ),
    riskState: portfolio.riskState,
    refusals: countsOf(orders.flatMap(({ rejectCode }) => rejectCode ?? [])),
    unbalanced: (await all<Transaction>('/v1/transactions')).flatMap(sumsOf),
    ...{ isRight, differences },
  };
}

function bookedOrder({ id, symbol, status, filledQuantity }: Order): BookedOrder {
  return { symbol, clientOrderId: id, status, filled: filledQuantity };
}

function fillIn({ id, symbol }: Order, { type, details }: OrderEvent): BookedFill[] {
  if (type !== 'order_filled') return [];
  const { fill, order } = details as { fill: FillDetails; order: { quote: string } };
  const { tradeId, price, quantity, fee, feeAsset = order.quote } = fill;
  return [{ symbol, id: tradeId, clientOrderId: id, price, quantity, fee, feeAsset }];
}

function sumsOf({ id, entries }: Transaction): string[] {
  return [...Map.groupBy(entries, ({ asset }) => asset)].flatMap(([asset, of]) => {
    const sum = of.reduce<Decimal>((total, { amount }) => add(total, parseSum(amount)), zero);
    return sum === zero ? [] : [`${id} brings ${decimalText(sum)} ${asset} from nowhere`];
  });
}

export function countsOf(names: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, of]) => [name, of.length]));
}
