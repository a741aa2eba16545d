import { decimalText, parseDecimal, type Decimal } from '#core/market/decimal.ts';
import { apply, emptyPortfolio } from '#core/trading/apply.ts';
import type { Command, MarketView, Surroundings } from '#core/trading/command.ts';
import { decide } from '#core/trading/decide.ts';
import { isRefused, type Decided } from '#core/trading/decision.ts';
import type { NumberedEvent, TradingEvent } from '#core/trading/event.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { Order, OrderRequest, SymbolRules } from '#core/trading/order.ts';
import type { Portfolio, RiskLimits } from '#core/trading/portfolio.ts';

export const d = parseDecimal;

export const rules: SymbolRules = {
  ...{ source: 'binance', symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT' },
  ...{ tickSize: d('0.01'), stepSize: d('0.0001'), minNotional: d('5') },
  isTrading: true,
};

/** A tenth of a percent for takers, half of that for makers. */
export const fees = { maker: d('0.0005'), taker: d('0.001') };

/** BTCUSDT, last traded at 100 by trade 10 a second ago. */
export function marketAt(price = '100', changes: Partial<MarketView> = {}): MarketView {
  const timeUs = 1_700_000_000_000_000;
  return { rules, last: { price: d(price), tradeId: 10, timeUs: timeUs - 1_000_000 }, timeUs, ...changes };
}

export function around(changes: Partial<Surroundings> = {}): Surroundings {
  return { market: marketAt(), globalRisk: 'active', fees, ...changes };
}

/** What is asked, without whose it is and when. */
export type Asked<C = Command> = C extends Command ? Omit<C, 'portfolioId' | 'atUs'> : never;

export const startUs = 1_700_000_000_000_000;

export function command(asked: Asked, atUs = startUs): Command {
  return { portfolioId: 'p', atUs, ...asked } as Command;
}

/** An order's request: a limit purchase of 1 BTC at 90, with changes. */
export function request(
  changes: Partial<Record<'quantity' | 'price' | 'stopPrice', string>> &
    Omit<Partial<OrderRequest>, 'quantity' | 'price' | 'stopPrice'> = {},
): OrderRequest {
  const { quantity = '1', price, stopPrice, ...rest } = changes;
  const type = changes.type ?? 'limit';
  const limit = price ?? (type === 'limit' || type === 'stop_limit' ? '90' : undefined);
  return {
    ...{ source: 'binance', symbol: 'BTCUSDT', side: 'buy', timeInForce: 'GTC', postOnly: false },
    ...rest,
    type,
    quantity: d(quantity),
    ...(limit !== undefined && { price: d(limit) }),
    ...(stopPrice !== undefined && { stopPrice: d(stopPrice) }),
  };
}

/** A portfolio driven by commands, which remembers its events. */
export class Desk {
  portfolio: Portfolio = emptyPortfolio('p');
  readonly events: NumberedEvent[] = [];
  #orders = 0;

  constructor(amounts: Record<string, string> = { USDT: '1000' }, limits: Partial<RiskLimits> = {}) {
    this.does({ kind: 'open_portfolio', userId: 'u', name: 'Test', limits: { ...defaultLimits, ...limits } });
    for (const [asset, amount] of Object.entries(amounts))
      this.does({ kind: 'deposit', id: asset, asset, amount: d(amount) });
  }

  /** @throws Error where the command is refused */
  does(asked: Asked, surroundings: Surroundings = around(), atUs = startUs): NumberedEvent[] {
    const decision = decide(this.portfolio, command(asked, atUs), surroundings);
    if (isRefused(decision)) throw new Error(`${decision.refused.code}: ${decision.refused.message}`);
    this.#keep(decision);
    return decision.events;
  }

  /** The code of a command's refusal; undefined where it is not refused. */
  refuses(asked: Asked, surroundings: Surroundings = around(), atUs = startUs) {
    const decision = decide(this.portfolio, command(asked, atUs), surroundings);
    return isRefused(decision) ? decision.refused : undefined;
  }

  /** Places an order; answers it, or the code that it was rejected with. */
  places(
    asked: Parameters<typeof request>[0] = {},
    surroundings: Surroundings = around(),
    atUs = startUs,
  ): Order | string {
    this.#orders += 1;
    const orderId = `o${this.#orders}`;
    const events = this.does({ kind: 'place_order', orderId, request: request(asked) }, surroundings, atUs);
    const event = events.at(-1);
    if (event?.type === 'order_rejected') return event.code;
    const order = this.portfolio.orders.get(orderId);
    if (order === undefined) throw new Error(`order ${orderId} is not open`);
    return order;
  }

  /** Places an order that has to be accepted. */
  opens(...[asked, surroundings, atUs]: Parameters<Desk['places']>): Order {
    const order = this.places(asked, surroundings, atUs);
    if (typeof order === 'string') throw new Error(`rejected: ${order}`);
    return order;
  }

  order(id: string): Order {
    const last = this.events.findLast((event) => 'order' in event && event.order.id === id);
    if (last === undefined || !('order' in last)) throw new Error(`no order ${id}`);
    return last.order;
  }

  balance(asset: string): { available: string; held: string } {
    const { available, held } = this.portfolio.balances.get(asset) ?? { available: 0n, held: 0n };
    return { available: text(available), held: text(held) };
  }

  #keep({ events, portfolio }: Decided): void {
    this.events.push(...events);
    this.portfolio = portfolio;
  }
}

/** The portfolio as its events alone make it. */
export function rebuilt(events: readonly NumberedEvent[]): Portfolio {
  return events.reduce(apply, emptyPortfolio('p'));
}

export function only<Type extends TradingEvent['type']>(events: readonly NumberedEvent[], type: Type) {
  return events.filter((event): event is Extract<NumberedEvent, { type: Type }> => event.type === type);
}

function text(value: bigint): string {
  return decimalText(value as Decimal);
}
