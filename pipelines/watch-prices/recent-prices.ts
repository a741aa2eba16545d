import type { WaitingPriceAlert } from '#core/alerts/price-alerts.ts';
import { tradeKey } from '#core/market/topics.ts';
import type { MarketTrade } from '../execute-orders/tape.ts';

/**
 * The newest trades of each market, so that an alert that was set a moment ago meets those that came since; one that has
 * met them already is held against the fresh ones alone.
 */
export class RecentPrices {
  readonly #perMarket: number;
  readonly #trades = new Map<string, MarketTrade[]>();
  readonly #fresh = new Map<string, MarketTrade[]>();
  #met = new Set<string>();

  constructor(perMarket: number) {
    this.#perMarket = perMarket;
  }

  add(trades: readonly MarketTrade[]): void {
    for (const [key, added] of Map.groupBy(trades, ({ source, symbol }) => tradeKey(source, symbol))) {
      this.#fresh.set(key, [...(this.#fresh.get(key) ?? []), ...added]);
      const known = this.#trades.get(key) ?? [];
      known.push(...added);
      // Cut now and then, and not at each trade.
      this.#trades.set(key, known.length > 2 * this.#perMarket ? known.slice(-this.#perMarket) : known);
    }
  }

  /** The first known trade, of those after it was set, at the alert's price or beyond it. */
  reaching(alert: WaitingPriceAlert): MarketTrade | undefined {
    const { priceAlertId, source, symbol, direction, price, afterTradeId } = alert;
    const among = this.#met.has(priceAlertId) ? this.#fresh : this.#trades;
    const isReached = (trade: MarketTrade): boolean =>
      direction === 'above' ? trade.price >= price : trade.price <= price;
    return among
      .get(tradeKey(source, symbol))
      ?.find((trade) => trade.tradeId > afterTradeId && isReached(trade));
  }

  /** What was held against these alerts is settled. */
  settle(alerts: readonly WaitingPriceAlert[]): void {
    this.#met = new Set(alerts.map(({ priceAlertId }) => priceAlertId));
    this.#fresh.clear();
  }
}
