import type { Static } from 'typebox';
import type { MarketRules } from '../schemas/markets.ts';
import type {
  Amendment,
  Canceled,
  NewOrder,
  Order,
  OrderEvent,
  OrdersQuery,
  Preview,
} from '../schemas/orders.ts';
import type { Portfolio, PortfolioRisk, PortfolioSummary, Transaction } from '../schemas/portfolios.ts';
import { queryOf, type Asker, type Page } from './ask.ts';

export type AmendedTerms = Static<typeof Amendment>;
export type OrdersOf = Partial<Static<typeof OrdersQuery>>;

export interface MoneyOf {
  asset: string;
  /** Decimal text, as all amounts are. */
  amount: string;
}

/** Portfolios and orders of the user whose the client is. What has a key is done once, however often it is asked for. */
export interface TradingClient {
  /** What orders of a market keep to. */
  rules(of: { symbol: string; source?: string }, signal?: AbortSignal): Promise<MarketRules>;
  /** The oldest first. */
  portfolios(signal?: AbortSignal): Promise<Page<PortfolioSummary>>;
  openPortfolio(portfolio: { name: string }): Promise<PortfolioSummary>;
  portfolio(portfolioId: string, signal?: AbortSignal): Promise<Portfolio>;
  portfolioRisk(portfolioId: string, signal?: AbortSignal): Promise<PortfolioRisk>;
  deposit(portfolioId: string, money: MoneyOf, idempotencyKey?: string): Promise<Transaction>;
  withdraw(portfolioId: string, money: MoneyOf, idempotencyKey?: string): Promise<Transaction>;
  /** The newest first. */
  transactions(
    of: { portfolioId: string; limit?: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<Transaction>>;
  /** What would become of an order; nothing is placed. */
  preview(order: NewOrder, signal?: AbortSignal): Promise<Preview>;
  /** An order that cannot be taken is answered with the status `rejected`. */
  placeOrder(order: NewOrder, idempotencyKey?: string): Promise<Order>;
  /** The newest first. */
  orders(of: OrdersOf, signal?: AbortSignal): Promise<Page<Order>>;
  order(orderId: string, signal?: AbortSignal): Promise<Order>;
  orderEvents(orderId: string, signal?: AbortSignal): Promise<Page<OrderEvent>>;
  amendOrder(orderId: string, terms: AmendedTerms, idempotencyKey?: string): Promise<Order>;
  cancelOrder(orderId: string, idempotencyKey?: string): Promise<Order>;
  cancelAll(of: { portfolioId: string; symbol?: string }): Promise<Static<typeof Canceled>>;
}

export function createTradingClient({ ask }: Asker): TradingClient {
  return {
    rules: ({ symbol, source }, signal) =>
      ask(`/v1/markets/${encodeURIComponent(symbol)}/rules?${queryOf({ source })}`, { signal }),
    portfolios: (signal) => ask('/v1/portfolios?limit=1000', { signal }),
    openPortfolio: (body) => ask('/v1/portfolios', { method: 'POST', body }),
    portfolio: (id, signal) => ask(`/v1/portfolios/${id}`, { signal }),
    portfolioRisk: (id, signal) => ask(`/v1/portfolios/${id}/risk`, { signal }),
    deposit: (id, body, idempotencyKey) =>
      ask(`/v1/portfolios/${id}/deposits`, { method: 'POST', body, idempotencyKey }),
    withdraw: (id, body, idempotencyKey) =>
      ask(`/v1/portfolios/${id}/withdrawals`, { method: 'POST', body, idempotencyKey }),
    transactions: (of, signal) => ask(`/v1/transactions?${queryOf(of)}`, { signal }),
    preview: (body, signal) => ask('/v1/orders/preview', { method: 'POST', body, signal }),
    placeOrder: (body, idempotencyKey) => ask('/v1/orders', { method: 'POST', body, idempotencyKey }),
    orders: (of, signal) => ask(`/v1/orders?${queryOf(of)}`, { signal }),
    order: (id, signal) => ask(`/v1/orders/${id}`, { signal }),
    orderEvents: (id, signal) => ask(`/v1/orders/${id}/events`, { signal }),
    amendOrder: (id, body, idempotencyKey) =>
      ask(`/v1/orders/${id}`, { method: 'PATCH', body, idempotencyKey }),
    cancelOrder: (id, idempotencyKey) => ask(`/v1/orders/${id}`, { method: 'DELETE', idempotencyKey }),
    cancelAll: (of) => ask(`/v1/orders?${queryOf(of)}`, { method: 'DELETE' }),
  };
}
