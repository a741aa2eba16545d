import { describe, expect, it } from 'vitest';
import { onActive, onTrade, type Book, type PaperTerms, type TapeTrade } from '#core/trading/paper.ts';
import { around, d, Desk, fees, marketAt, only, rules, startUs } from './pure.ts';

const terms: PaperTerms = { rules, takerFee: fees.taker, slippage: d('0.001') };
const noBook = undefined;

/** Bids of 1, 2, 3 from 99 down, asks of 1, 2, 3 from 101 up. */
const book: Book = {
  bids: [level('99', '1'), level('98', '2'), level('97', '3')],
  asks: [level('101', '1'), level('102', '2'), level('103', '3')],
};

function level(price: string, quantity: string) {
  return { price: d(price), quantity: d(quantity) };
}

function trade(tradeId: number, price: string, quantity: string, side: 'buy' | 'sell' = 'sell'): TapeTrade {
  return { tradeId, price: d(price), quantity: d(quantity), side, timeUs: startUs + tradeId };
}

/** A portfolio that trades on the paper venue. */
class Trader extends Desk {
  constructor() {
    super({ USDT: '10000', BTC: '100' });
  }

  /** All that is not active meets the market at 100 by trade 10, or as said. */
  meets(withBook: Book | undefined, price = '100', tradeId = 10) {
    const last = { price: d(price), tradeId, timeUs: startUs };
    const market = withBook === undefined ? { last } : { last, book: withBook };
    return this.does({ kind: 'execute', steps: onActive(this.portfolio.orders.values(), market, terms) });
  }

  sees(tape: TapeTrade, withBook?: Book) {
    const steps = onTrade(this.portfolio.orders.values(), tape, terms, withBook);
    return fillsOf(this.does({ kind: 'execute', steps }));
  }
}

/** Order, quantity, price of each fill. */
function fillsOf(events: Parameters<typeof only>[0]): [string, bigint, bigint][] {
  return only(events, 'order_filled').map(({ order, fill }) => [order.id, fill.quantity, fill.price]);
}

describe('an order that takes', () => {
  it('a market order walks the book, level by level', () => {
    const desk = new Trader();
    desk.opens({ type: 'market', quantity: '2.5' });
    expect(fillsOf(desk.meets(book))).toEqual([
      ['o1', d('1'), d('101')],
      ['o1', d('1.5'), d('102')],
    ]);
    // 101 + 153, and a thousandth of each.
    expect(desk.order('o1')).toMatchObject({ status: 'filled', filledQuote: d('254'), fees: d('0.254') });
  });

  it('what the book does not hold expires', () => {
    const desk = new Trader();
    desk.opens({ type: 'market', side: 'sell', quantity: '7' });
    expect(fillsOf(desk.meets(book))).toHaveLength(3);
    expect(desk.order('o1')).toMatchObject({ status: 'expired', filledQuantity: d('6'), held: 0n });
    expect(desk.balance('BTC')).toEqual({ available: '94', held: '0' });
  });

  it('a market purchase takes no more than what it holds can pay, in steps', () => {
    const desk = new Trader();
    desk.opens({ type: 'market', quantity: '2' });
    // It holds 2 × 100 × 1.2 × 1.001 = 240.24; at 130 with the fee that pays 1.8461…
    const dear = { bids: [], asks: [level('130', '5')] };
    expect(fillsOf(desk.meets(dear))).toEqual([['o1', d('1.8461'), d('130')]]);
    expect(desk.order('o1')).toMatchObject({ status: 'expired', held: 0n });
  });

  it('without a book pays the last price with slippage, in ticks', () => {
    const desk = new Trader();
    desk.opens({ type: 'market', quantity: '2' });
    desk.opens({ type: 'market', side: 'sell', quantity: '2' });
    // 100.07 × 1.001 = 100.17007 and × 0.999 = 99.96993.
    expect(fillsOf(desk.meets(noBook, '100.07'))).toEqual([
      ['o1', d('2'), d('100.18')],
      ['o2', d('2'), d('99.96')],
    ]);
  });

  it('a limit order takes up to its price, and what is left rests at it', () => {
    const desk = new Trader();
    desk.opens({ price: '102', quantity: '5' });
    expect(fillsOf(desk.meets(book))).toEqual([
      ['o1', d('1'), d('101')],
      ['o1', d('2'), d('102')],
    ]);
    expect(desk.order('o1')).toMatchObject({ status: 'partially_filled', queueAhead: 0n });
  });

  it('a limit order without a book takes no worse than its price', () => {
    const desk = new Trader();
    desk.opens({ price: '100.05', quantity: '1' });
    desk.opens({ price: '99.99', side: 'sell', quantity: '1' });
    expect(fillsOf(desk.meets(noBook))).toEqual([
      ['o1', d('1'), d('100.05')],
      ['o2', d('1'), d('99.99')],
    ]);
  });

  it('what one takes is gone for the next', () => {
    const desk = new Trader();
    desk.opens({ type: 'market', quantity: '2' });
    desk.opens({ type: 'market', quantity: '2' }, around(), startUs + 1);
    expect(fillsOf(desk.meets(book)).slice(2)).toEqual([
      ['o2', d('1'), d('102')],
      ['o2', d('1'), d('103')],
    ]);
  });
});

describe('time in force', () => {
  it('IOC takes what it can, and the rest expires', () => {
    const desk = new Trader();
    desk.opens({ price: '101', quantity: '2', timeInForce: 'IOC' });
    expect(fillsOf(desk.meets(book))).toEqual([['o1', d('1'), d('101')]]);
    expect(desk.order('o1')).toMatchObject({ status: 'expired', filledQuantity: d('1') });
    expect(only(desk.events, 'order_expired')).toMatchObject([{ reason: 'IOC' }]);
  });

  it('FOK takes all of it or nothing', () => {
    const desk = new Trader();
    desk.opens({ price: '102', quantity: '3.0001', timeInForce: 'FOK' });
    desk.opens({ price: '102', quantity: '3', timeInForce: 'FOK' }, around(), startUs + 1);
    expect(fillsOf(desk.meets(book)).map(([id]) => id)).toEqual(['o2', 'o2']);
    expect(desk.order('o1')).toMatchObject({ status: 'expired', filledQuantity: 0n });
    expect(only(desk.events, 'order_expired')).toMatchObject([{ reason: 'FOK' }]);
  });

  it.each(['IOC', 'FOK'] as const)('%s that comes to nothing expires', (timeInForce) => {
    const desk = new Trader();
    desk.opens({ price: '90', timeInForce });
    expect(fillsOf(desk.meets(noBook))).toEqual([]);
    expect(desk.order('o1')).toMatchObject({ status: 'expired' });
  });

  it('post-only rests, or expires where it would take', () => {
    const desk = new Trader();
    desk.opens({ price: '98', postOnly: true });
    desk.opens({ price: '99.5', postOnly: true });
    expect(desk.meets({ ...book, asks: [level('99.5', '1')] }).map(({ type }) => type)).toEqual([
      ...['order_activated', 'order_activated', 'order_expired'],
    ]);
    expect(only(desk.events, 'order_expired')).toMatchObject([{ reason: 'POST_ONLY', order: { id: 'o2' } }]);
    expect(desk.order('o1')).toMatchObject({ status: 'open', queueAhead: d('2') });
  });
});

describe('an order that rests', () => {
  const resting = (...asked: Parameters<Trader['opens']>[0][]) => {
    const desk = new Trader();
    for (const [n, each] of asked.entries()) desk.opens(each, around(), startUs + n);
    desk.meets(noBook);
    return desk;
  };

  it('waits for what stood before it at its price', () => {
    const desk = new Trader();
    desk.opens({ price: '98', quantity: '1' });
    desk.meets(book);
    expect(desk.sees(trade(11, '98', '1.5'))).toEqual([]);
    expect(desk.order('o1').queueAhead).toBe(d('0.5'));
    expect(desk.sees(trade(12, '98', '0.8'))).toEqual([['o1', d('0.3'), d('98')]]);
    expect(desk.sees(trade(13, '98', '5'))).toEqual([['o1', d('0.7'), d('98')]]);
  });

  it('waits for nothing once the tape goes through its price, and gets its own price', () => {
    const desk = new Trader();
    desk.opens({ price: '98', quantity: '1' });
    desk.meets(book);
    expect(desk.sees(trade(11, '97.99', '0.4'))).toEqual([['o1', d('0.4'), d('98')]]);
    expect(desk.order('o1').queueAhead).toBe(0n);
  });

  it('is not reached by prices beyond its own, nor by trades before it was active', () => {
    const desk = resting({ price: '98' }, { side: 'sell', price: '102' });
    expect(desk.sees(trade(11, '98.01', '5'))).toEqual([]);
    expect(desk.sees(trade(12, '101.99', '5'))).toEqual([]);
    expect(onTrade(desk.portfolio.orders.values(), trade(10, '98', '5'), terms)).toEqual([]);
    expect(desk.sees(trade(13, '98', '5'))).toHaveLength(1);
    expect(desk.sees(trade(14, '102', '5'))).toEqual([['o2', d('1'), d('102')]]);
  });

  it('shares the volume of a trade by price, then time, and never gets more', () => {
    const desk = resting({ price: '98' }, { price: '98' }, { price: '99' }, { price: '97' });
    expect(desk.sees(trade(11, '97', '2.5'))).toEqual([
      ['o3', d('1'), d('99')],
      ['o1', d('1'), d('98')],
      ['o2', d('0.5'), d('98')],
    ]);
  });

  it('keeps its turn when it was filled in part', () => {
    const desk = resting({ price: '98' }, { price: '98' });
    desk.sees(trade(11, '98', '0.5'));
    expect(desk.sees(trade(12, '98', '0.7'))).toEqual([
      ['o1', d('0.5'), d('98')],
      ['o2', d('0.2'), d('98')],
    ]);
  });

  it('of both sides, that comes first which the taker met', () => {
    const asked = [{ price: '99' }, { side: 'sell', price: '99.5' }] as const;
    const desk = new Trader();
    for (const each of asked) desk.opens(each);
    const steps = [...desk.portfolio.orders.keys()].map((orderId) => ({
      ...({ kind: 'activate_order', orderId, activeAfterTradeId: 10, queueAhead: d('0') } as const),
    }));
    desk.does({ kind: 'execute', steps });
    const crossed = [...desk.portfolio.orders.values()].map((order) => ({ ...order, price: d('99.2') }));
    const first = (side: 'buy' | 'sell') => onTrade(crossed, trade(11, '99.2', '1', side), terms)[0]?.orderId;
    expect([first('sell'), first('buy')]).toEqual(['o1', 'o2']);
  });
});

describe('a stop order', () => {
  it('waits for its price, and a gap fills it where the market is', () => {
    const desk = new Trader();
    desk.opens({ type: 'stop_loss', side: 'sell', stopPrice: '95', quantity: '2' });
    expect(fillsOf(desk.meets(noBook))).toEqual([]);
    expect(desk.order('o1')).toMatchObject({ status: 'pending', activeAfterTradeId: 10 });
    expect(desk.sees(trade(11, '95.01', '1'))).toEqual([]);
    expect(desk.sees(trade(12, '90', '1'))).toEqual([['o1', d('2'), d('89.91')]]);
    expect(only(desk.events, 'order_triggered')).toMatchObject([{ tradeId: 12, price: d('90') }]);
  });

  it('of both kinds takes from the book when it is triggered, one after another', () => {
    const desk = new Trader();
    desk.opens({ type: 'stop_loss', stopPrice: '101', quantity: '1.5' });
    desk.opens({ type: 'stop_limit', stopPrice: '101', price: '102', quantity: '2' }, around(), startUs + 1);
    desk.meets(book);
    expect(desk.sees(trade(11, '101', '0.1', 'buy'), book)).toEqual([
      ['o1', d('1'), d('101')],
      ['o1', d('0.5'), d('102')],
      ['o2', d('1.5'), d('102')],
    ]);
    expect(desk.order('o2')).toMatchObject({ status: 'partially_filled', activeAfterTradeId: 11 });
  });

  it('with a limit rests where the market has gone past it', () => {
    const desk = new Trader();
    desk.opens({ type: 'stop_limit', side: 'sell', stopPrice: '95', price: '94' });
    desk.meets(noBook);
    expect(desk.sees(trade(11, '90', '1'))).toEqual([]);
    expect(desk.order('o1')).toMatchObject({ status: 'open', activeAfterTradeId: 11 });
    expect(desk.sees(trade(12, '94', '1', 'buy'))).toEqual([['o1', d('1'), d('94')]]);
  });

  it('post-only with a limit expires where it would take', () => {
    const desk = new Trader();
    desk.opens({ type: 'stop_limit', stopPrice: '105', price: '106', postOnly: true });
    desk.meets(noBook);
    desk.sees(trade(11, '105', '1', 'buy'));
    expect(desk.order('o1')).toMatchObject({ status: 'expired', held: 0n });
  });

  it('that the market has passed before it was active is triggered at once', () => {
    const desk = new Trader();
    desk.opens({ type: 'stop_loss', side: 'sell', stopPrice: '95' });
    expect(fillsOf(desk.meets(noBook, '94', 12))).toEqual([['o1', d('1'), d('93.9')]]);
    expect(only(desk.events, 'order_triggered')).toMatchObject([{ tradeId: 12, price: d('94') }]);
  });

  it('that was triggered is not triggered again', () => {
    const desk = new Trader();
    desk.opens({ type: 'stop_loss', side: 'sell', stopPrice: '95' });
    desk.meets(noBook);
    desk.sees(trade(11, '95', '1'));
    expect(desk.sees(trade(12, '94', '1'))).toEqual([]);
    expect(only(desk.events, 'order_filled')).toHaveLength(1);
  });
});

it('an amended order meets the market anew', () => {
  const desk = new Trader();
  desk.opens({ price: '98' });
  desk.meets(noBook);
  desk.does({ kind: 'amend_order', orderId: 'o1', price: d('101') }, around({ market: marketAt('100') }));
  expect(desk.sees(trade(11, '97', '1'))).toEqual([]);
  expect(fillsOf(desk.meets(noBook, '100', 11))).toEqual([['o1', d('1'), d('100.1')]]);
});
