import { describe, expect, it } from 'vitest';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { OrderRequest } from '#core/trading/order.ts';
import { emptyConduct, observe, type Conduct, type Unusual } from '#pipelines/watch-conduct/conduct.ts';
import { d, Desk, request, startUs } from '#tests/core/trading/pure.ts';
import { tradingHour } from './trading-hour.ts';

const secondUs = 1_000_000;

/** One user's portfolio, watched. */
class Watched {
  readonly desk = new Desk({ USDT: '100000', BTC: '100' });
  readonly found: Unusual[] = [];
  conduct: Conduct = emptyConduct();
  atUs = startUs;
  #orders = 0;

  place(changes: Parameters<typeof request>[0] = {}): string {
    this.#orders += 1;
    const orderId = `order ${this.#orders}`;
    this.#does({ kind: 'place_order', orderId, request: this.#request(changes) });
    return orderId;
  }

  /** Buys or sells at a price. */
  trades(side: 'buy' | 'sell', quantity: string, price = '100'): void {
    const orderId = this.place({ side, quantity, price });
    this.#does({
      kind: 'execute',
      steps: [
        { kind: 'activate_order', orderId, activeAfterTradeId: 10, queueAhead: d('0') },
        {
          ...{ kind: 'fill_order', orderId, tradeId: 11, quantity: d(quantity), price: d(price) },
          ...{ liquidity: 'taker', queueAhead: d('0'), marketTimeUs: this.atUs },
        },
      ],
    });
  }

  wait(seconds: number): void {
    this.atUs += seconds * secondUs;
  }

  kinds(): string[] {
    return this.found.map(({ kind }) => kind);
  }

  #request(changes: Parameters<typeof request>[0]): OrderRequest {
    return request(changes);
  }

  #does(asked: Parameters<Desk['does']>[0]): void {
    for (const event of this.desk.does(asked, undefined, this.atUs)) this.#sees(event);
  }

  #sees(event: NumberedEvent): void {
    // As it is between two batches.
    this.conduct = JSON.parse(JSON.stringify(this.conduct)) as Conduct;
    this.found.push(...observe(this.conduct, event));
  }
}

describe('what is unusual', () => {
  it('is buying and selling the same, again and again, without a gain; told once', () => {
    const watched = new Watched();
    for (let trip = 0; trip < 6; trip++) {
      watched.trades('buy', '0.5', '100.05');
      watched.wait(5);
      watched.trades('sell', '0.5', '99.95');
      watched.wait(20);
      expect(watched.kinds()).toEqual(trip < 2 ? [] : ['wash_trade']);
    }
    expect(watched.found[0]?.detail).toMatchObject({ symbol: 'BTCUSDT', trips: 3, quantity: '0.5' });
  });

  it('is not a gain, a loss that was cut, another quantity, or an hour between', () => {
    for (const [sold, price, seconds] of [
      ['0.5', '100.2', 5],
      ['0.5', '98', 5],
      ['0.4', '100', 5],
      ['0.5', '100', 3_600],
    ] as const) {
      const watched = new Watched();
      for (let trip = 0; trip < 8; trip++) {
        watched.trades('buy', '0.5', '100');
        watched.wait(seconds);
        watched.trades('sell', sold, price);
        watched.wait(20);
      }
      expect(watched.kinds(), `${sold} at ${price} after ${seconds} s`).toEqual([]);
    }
  });

  it('is a burst of orders; told once, and again after an hour of quiet', () => {
    const watched = new Watched();
    for (let order = 0; order < 300; order++) {
      watched.place();
      watched.wait(0.05);
      if (order === 98) expect(watched.kinds()).toEqual([]);
    }
    expect(watched.kinds()).toEqual(['order_burst']);
    watched.wait(3_700);
    for (let order = 0; order < 100; order++) watched.place();
    expect(watched.kinds()).toEqual(['order_burst', 'order_burst']);
  });

  it('is not many orders at a steady pace', () => {
    const watched = new Watched();
    for (let order = 0; order < 500; order++) {
      watched.place();
      watched.wait(0.2);
    }
    expect(watched.kinds()).toEqual([]);
  });

  it('is one rejected order after another; told once', () => {
    const watched = new Watched();
    for (let order = 0; order < 20; order++) {
      watched.place({ quantity: '0.00001' });
      watched.wait(10);
      if (order === 3) expect(watched.kinds()).toEqual([]);
    }
    expect(watched.kinds()).toEqual(['repeated_rejects']);
    expect(watched.found[0]?.detail).toMatchObject({ rejected: 5, orders: 5 });
  });

  it('is not a mistake now and then among many orders', () => {
    const watched = new Watched();
    for (let order = 0; order < 200; order++) {
      watched.place(order % 4 === 0 ? { quantity: '0.00001' } : {});
      watched.wait(5);
    }
    expect(watched.kinds()).toEqual([]);
  });

  it('is remembered in little space', () => {
    const watched = new Watched();
    for (let order = 0; order < 500; order++) {
      watched.trades(order % 2 === 0 ? 'buy' : 'sell', '0.01');
      watched.wait(1);
    }
    expect(JSON.stringify(watched.conduct).length).toBeLessThan(3_000);
  });
});

describe('an hour of normal trading', () => {
  it.each([1, 2, 3])('raises nothing (seed %i)', (seed) => {
    const conducts = new Map<number, Conduct>();
    const found: Unusual[] = [];
    const counts: Record<string, number> = {};
    tradingHour(seed, (user, event) => {
      const conduct = conducts.get(user) ?? emptyConduct();
      conducts.set(user, conduct);
      counts[event.type] = (counts[event.type] ?? 0) + 1;
      found.push(...observe(conduct, event));
    });
    expect(found).toEqual([]);
    expect(counts['order_accepted']).toBeGreaterThan(2_000);
    expect(counts['order_filled']).toBeGreaterThan(1_000);
    expect(counts['order_rejected']).toBeGreaterThan(20);
  });
});
