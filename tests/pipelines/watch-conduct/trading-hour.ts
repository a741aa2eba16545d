import { divide, multiply, onGrid, parseDecimal, type Decimal } from '#core/market/decimal.ts';
import type { MarketView, VenueStep } from '#core/trading/command.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { OrderRequest } from '#core/trading/order.ts';
import { onActive, onTrade, type PaperTerms, type TapeTrade } from '#core/trading/paper.ts';
import { around, d, Desk, fees, rules, startUs } from '#tests/core/trading/pure.ts';
import { randomOf } from '#tests/faults/random.ts';

/** How somebody trades. */
interface Habit {
  /** On average between two decisions. */
  seconds: number;
  /** Quotes both sides with one size instead of having opinions. */
  isMaker?: boolean;
}

/** Who trades in an hour: most now and then, some all day, a few who make the market. */
const habits: Habit[] = [
  ...Array.from({ length: 20 }, () => ({ seconds: 120 })),
  ...Array.from({ length: 6 }, () => ({ seconds: 15 })),
  ...Array.from({ length: 3 }, () => ({ seconds: 10, isMaker: true })),
];
const terms: PaperTerms = { rules, takerFee: fees.taker, slippage: d('0.0005') };
const secondUs = 1_000_000;
/** Of a price, from one second to the next. */
const stepShare = 0.0001;

/**
 * An hour of trading on one market, second by second, by the rules that live orders pass; hands on what happens. The same seed
 * is the same hour.
 */
export function tradingHour(seed: number, seen: (user: number, event: NumberedEvent) => void): void {
  const random = randomOf(seed);
  const traders = habits.map((habit, user) => ({
    ...{ habit, user, desk: new Desk({ USDT: '1000000', BTC: '10' }) },
    inSeconds: Math.ceil(random() * habit.seconds),
  }));
  let price = 60_000;
  let tradeId = 100;
  let nextOrder = 0;

  for (let second = 1; second <= 3_600; second++) {
    const atUs = startUs + second * secondUs;
    price *= 1 + stepShare * (random() + random() + random() - 1.5) * 2;
    tradeId += 1;
    const trade: TapeTrade = {
      ...{ tradeId, price: d(price.toFixed(2)), timeUs: atUs },
      ...{ quantity: d((0.01 + random()).toFixed(4)), side: random() < 0.5 ? 'buy' : 'sell' },
    };
    const market: MarketView = { rules, last: trade, timeUs: atUs };
    for (const trader of traders) {
      const { desk, habit, user } = trader;
      const does = (asked: Parameters<Desk['does']>[0]): void => {
        for (const event of desk.does(asked, around({ market }), atUs)) seen(user, event);
      };
      const executes = (steps: VenueStep[]): void => {
        if (steps.length > 0) does({ kind: 'execute', steps });
      };
      const place = (request: OrderRequest): void => {
        nextOrder += 1;
        does({ kind: 'place_order', orderId: `order ${nextOrder}`, request });
      };
      executes(onTrade(desk.portfolio.orders.values(), trade, terms));
      trader.inSeconds -= 1;
      if (trader.inSeconds > 0) continue;
      trader.inSeconds = Math.ceil(-Math.log(1 - random()) * habit.seconds);
      if (habit.isMaker === true) {
        does({ kind: 'cancel_all', reason: 'requested' });
        for (const side of ['buy', 'sell'] as const) {
          const quote = side === 'buy' ? '0.999' : '1.001';
          place(limit(side, onTick(multiply(trade.price, d(quote), 'down')), d('0.05')));
        }
      } else place(opinion(random, trade.price));
      executes(onActive(desk.portfolio.orders.values(), { last: trade }, terms));
    }
  }
}

/** An order for some money; one in thirty is a mistake. */
function opinion(random: () => number, last: Decimal): OrderRequest {
  const side = random() < 0.5 ? 'buy' : 'sell';
  const money = parseDecimal((50 + random() * 1_950).toFixed(2));
  const quantity = onGrid(divide(money, last, 'down'), rules.stepSize, 'down');
  const common = { source: rules.source, symbol: rules.symbol, side, quantity, postOnly: false } as const;
  const kind = random();
  if (kind < 1 / 30) return { ...common, type: 'limit', price: d('0.001'), timeInForce: 'GTC' };
  if (kind < 0.6) return { ...common, type: 'market', timeInForce: 'IOC' };
  const away = 1 + (side === 'buy' ? -1 : 1) * random() * 0.002;
  return limit(side, onTick(multiply(last, d(away.toFixed(6)), 'down')), quantity);
}

function limit(side: 'buy' | 'sell', price: Decimal, quantity: Decimal): OrderRequest {
  return {
    ...{ source: rules.source, symbol: rules.symbol, side, type: 'limit', price, quantity },
    ...{ timeInForce: 'GTC', postOnly: false },
  };
}

function onTick(price: Decimal): Decimal {
  return onGrid(price, rules.tickSize, 'down');
}
