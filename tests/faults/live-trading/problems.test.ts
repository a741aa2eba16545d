import { describe, expect, test } from 'vitest';
import type { BookedFill, BookedOrder, Books } from './books.ts';
import type { ShownPortfolio } from './portfolio.ts';
import { problemsOf, type Remains } from './problems.ts';

const order = (clientOrderId: string, more: Partial<BookedOrder> = {}): BookedOrder => {
  return { symbol: 'BTCUSDT', clientOrderId, status: 'filled', filled: '0.5', ...more };
};
const fill = (id: number, clientOrderId: string, more: Partial<BookedFill> = {}): BookedFill => {
  const terms = { price: '60000', quantity: '0.5', fee: '0.0005', feeAsset: 'BTC' };
  return { symbol: 'BTCUSDT', id, clientOrderId, ...terms, ...more };
};

const executed: Books = {
  orders: [order('a'), order('b', { status: 'canceled', filled: '0' })],
  fills: [fill(1, 'a')],
  balances: new Map([
    ['BTC', '1.4995'],
    ['USDT', '70000'],
  ]),
};
const shown = (books: Books): ShownPortfolio => ({
  ...{ books, orderIds: new Set(books.orders.map(({ clientOrderId }) => clientOrderId)), held: {} },
  ...{ riskState: 'active', refusals: {}, unbalanced: [], isRight: true, differences: [] },
});
/** The exchange has refused `c`. */
const booked: Books = {
  ...executed,
  orders: [...executed.orders, order('c', { status: 'expired', filled: '0' })],
};
const onPaper: Books = {
  orders: [order('d')],
  fills: [fill(7, 'd', { fee: '30', feeAsset: 'USDT' })],
  balances: new Map([['BTC', '2']]),
};
const right: Remains = {
  exchange: executed,
  live: shown(booked),
  paper: shown(onPaper),
  acknowledged: new Set(['a', 'b', 'c']),
  ...{ surprises: [], alarms: [], riskStateAfter: 'halted' },
  chains: [{ portfolioId: 'live', ok: true, fault: null }],
  strangers: [{ clientOrderId: 'stranger-1', alarms: 1 }],
};

const withExchange = (more: Partial<Books>): Remains => ({ ...right, exchange: { ...executed, ...more } });
const withLive = (more: Partial<ShownPortfolio>): Remains => ({ ...right, live: { ...right.live, ...more } });
const withBooks = (more: Partial<Books>): Remains => withLive({ books: { ...booked, ...more } });
const withPaper = (more: Partial<ShownPortfolio>): Remains => {
  return { ...right, paper: { ...right.paper, ...more } };
};

test('nothing is wrong where the portfolio has what the exchange has', () => {
  expect(problemsOf(right)).toEqual([]);
});

describe('is named:', () => {
  const faults: Record<string, [remains: Remains, problem: string]> = {
    'an order behind the back': [
      withExchange({ orders: [...executed.orders, order('x', { filled: '0', status: 'open' })] }),
      'BTCUSDT x is at the exchange alone',
    ],
    'an order that was sent twice': [
      withExchange({ orders: [...executed.orders, order('a')] }),
      'BTCUSDT a was executed 2 times',
    ],
    'an order of paper at the exchange': [
      withExchange({ orders: [...executed.orders, order('d')] }),
      'BTCUSDT d is at the exchange alone',
    ],
    'an order that the exchange lost': [
      withExchange({ orders: executed.orders.slice(1) }),
      'BTCUSDT a is filled with 0.5, and the exchange does not know it',
    ],
    'an order that is left open': [
      withBooks({ orders: [...booked.orders.slice(0, 2), order('c', { status: 'open', filled: '0' })] }),
      'BTCUSDT c did not end: it is open',
    ],
    'an end that is another': [
      withExchange({ orders: [order('a'), order('b', { status: 'expired', filled: '0' })] }),
      'BTCUSDT b is canceled with 0, and expired with 0 at the exchange',
    ],
    'a fill that is not booked': [withBooks({ fills: [] }), 'fill BTCUSDT 1 is not booked'],
    'a fill that is booked twice': [
      withBooks({ fills: [fill(1, 'a'), fill(1, 'a')] }),
      'fill BTCUSDT 1 is booked, and not left at the exchange',
    ],
    'a fee in another asset': [
      withBooks({ fills: [fill(1, 'a', { fee: '30', feeAsset: 'USDT' })] }),
      'fill BTCUSDT 1 is booked as 0.5 at 60000 for 30 USDT, of a, and was 0.5 at 60000 for 0.0005 BTC, of a',
    ],
    'a balance': [
      withBooks({ balances: new Map([...booked.balances, ['BTC', '1.5']]) }),
      'there is 1.5 BTC, and 1.4995 at the exchange',
    ],
    'an asset that the portfolio has not': [
      withExchange({ balances: new Map([...executed.balances, ['ETH', '1']]) }),
      'there is 0 ETH, and 1 at the exchange',
    ],
    'money that is still held': [withLive({ held: { USDT: '5' } }), '["USDT","5"]'],
    'entries that do not sum to zero': [withLive({ unbalanced: ['a:3 brings 1 USDT'] }), 'a:3 brings 1 USDT'],
    'books that do not follow from the events': [
      withLive({ isRight: false, differences: ['balances.USDT.held'] }),
      'balances.USDT.held',
    ],
    'a chain of events that is broken though its figures are right': [
      withLive({ isRight: false }),
      'the live portfolio is not what follows from its events: 1',
    ],
    'a portfolio that was stopped for nothing': [
      withLive({ riskState: 'halted' }),
      'stopped, though nothing was wrong: 1',
    ],
    'an order that was acknowledged and is gone': [
      { ...right, acknowledged: new Set(['a', 'b', 'c', 'y']) },
      'acknowledged, not stored: 1',
    ],
    'an order that nobody was told of': [
      { ...right, acknowledged: new Set(['a', 'b']) },
      'stored, never acknowledged: 1',
    ],
    'an answer that is another when asked for again': [{ ...right, surprises: ['a: …'] }, 'surprises: 1'],
    'a paper portfolio that was stopped': [withPaper({ riskState: 'halted' }), 'it is halted'],
    'a fee of paper in the base asset': [
      withPaper({ books: { ...onPaper, fills: [fill(7, 'd', { feeAsset: 'ETH' })] } }),
      'a fill by BTCUSDT 7 cost 0.0005 ETH',
    ],
    'a chain that was changed': [
      { ...right, chains: [{ portfolioId: 'live', ok: false, fault: 'event 3' }] },
      'chains that are broken: 1',
    ],
    'an alarm for nothing': [{ ...right, alarms: ['fills differ'] }, 'alarms, though nothing was wrong: 1'],
    'a stranger that was not found': [
      { ...right, strangers: [{ clientOrderId: 'stranger-1', alarms: 0 }] },
      '{"clientOrderId":"stranger-1","alarms":0}',
    ],
    'a stranger that was told of twice': [
      { ...right, strangers: [{ clientOrderId: 'stranger-1', alarms: 2 }] },
      '{"clientOrderId":"stranger-1","alarms":2}',
    ],
    'a portfolio that goes on beside a stranger': [
      { ...right, riskStateAfter: 'active' },
      'not halted by a stranger: 1',
    ],
    'a run in which nothing was filled': [
      { ...withBooks({ fills: [] }), exchange: { ...executed, fills: [] } },
      'there are no fills of the live portfolio',
    ],
  };
  test.each(Object.entries(faults))('%s', (_, [remains, problem]) => {
    expect(problemsOf(remains)).toContain(problem);
  });
});
