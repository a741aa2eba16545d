import { describe, expect, it } from 'vitest';
import type { WaitingPriceAlert } from '#core/alerts/price-alerts.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import type { MarketTrade } from '#pipelines/execute-orders/tape.ts';
import { RecentPrices } from '#pipelines/watch-prices/recent-prices.ts';

function trade(tradeId: number, price: string, symbol = 'BTCUSDT'): MarketTrade {
  return {
    ...{ source: 'venue', symbol, index: 0, tradeId, timeUs: tradeId, side: 'buy' },
    ...{ price: parseDecimal(price), quantity: parseDecimal('1') },
  };
}

function alert(changes: Partial<WaitingPriceAlert> = {}): WaitingPriceAlert {
  return {
    ...{ priceAlertId: 'one', userId: 'u', source: 'venue', symbol: 'BTCUSDT', direction: 'above' },
    ...{ price: parseDecimal('100'), note: null, afterTradeId: 0 },
    ...changes,
  };
}

describe('recent prices', () => {
  it('reach an alert by the first trade at its price or beyond it, after it was set', () => {
    const recent = new RecentPrices(10);
    recent.add([
      trade(1, '101'),
      trade(2, '99'),
      trade(3, '100'),
      trade(4, '105'),
      trade(5, '200', 'ETHUSDT'),
    ]);
    expect(recent.reaching(alert())?.tradeId).toBe(1);
    expect(recent.reaching(alert({ afterTradeId: 1 }))?.tradeId).toBe(3);
    expect(recent.reaching(alert({ direction: 'below', afterTradeId: 1 }))?.tradeId).toBe(2);
    expect(recent.reaching(alert({ afterTradeId: 4 }))).toBeUndefined();
    expect(recent.reaching(alert({ symbol: 'ETHUSDT' }))?.tradeId).toBe(5);
    expect(recent.reaching(alert({ source: 'other' }))).toBeUndefined();
  });

  it('hold what came before against an alert that is new, and against the others what is fresh', () => {
    const recent = new RecentPrices(10);
    recent.add([trade(1, '99')]);
    recent.settle([alert()]);
    recent.add([trade(2, '101')]);
    expect(recent.reaching(alert())?.tradeId).toBe(2);
    recent.settle([alert()]);
    expect(recent.reaching(alert())).toBeUndefined();
    expect(recent.reaching(alert({ priceAlertId: 'two' }))?.tradeId).toBe(2);
  });

  it('are the newest alone', () => {
    const recent = new RecentPrices(3);
    for (let tradeId = 1; tradeId <= 20; tradeId++)
      recent.add([trade(tradeId, tradeId <= 10 ? '101' : '99')]);
    expect(recent.reaching(alert())).toBeUndefined();
  });
});
