import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createParser } from '#core/exchanges/binance/parse.ts';

const parse = createParser('binance');
const trade = {
  e: 'trade',
  E: 1723161255343,
  s: 'BTCUSDT',
  t: 7,
  p: '61837.63',
  q: '0.02',
  T: 1723161255342,
  m: true,
};
const candle = {
  ...{
    t: 1723161240000,
    T: 1723161299999,
    s: 'BTCUSDT',
    i: '1m',
    f: 1,
    L: 9,
    o: '1',
    c: '2',
    h: '3',
    l: '0.5',
  },
  ...{ v: '10', n: 9, x: false, q: '20', V: '4', Q: '8', B: '0' },
};

function combined(stream: string, data: unknown): string {
  return JSON.stringify({ stream, data });
}

describe('messages of the combined streams', () => {
  it('reads a trade; a buyer who is maker was sold to', () => {
    expect(parse(combined('btcusdt@trade', trade), '1')).toEqual({
      kind: 'trade',
      trade: {
        ...{ source: 'binance', symbol: 'BTCUSDT', tradeId: 7, price: '61837.63', volume: '0.02' },
        ...{ side: 'sell', timestampUs: 1723161255342000 },
      },
      receivedNs: '1',
    });
    expect(parse(combined('btcusdt@trade', { ...trade, m: false }), '1')).toMatchObject({
      trade: { side: 'buy' },
    });
  });

  it('tells microseconds from milliseconds by magnitude', () => {
    const micros = parse(combined('btcusdt@trade', { ...trade, T: 1723161255342123 }), '1');
    expect(micros).toMatchObject({ trade: { timestampUs: 1723161255342123 } });
  });

  it('reads klines, quotes (which have no event type) and depth updates', () => {
    expect(
      parse(combined('btcusdt@kline_1m', { e: 'kline', E: 1, s: 'BTCUSDT', k: candle }), '1'),
    ).toMatchObject({
      kind: 'kline',
      kline: {
        ...{ symbol: 'BTCUSDT', interval: '1m', openTimeUs: 1723161240000000, closeTimeUs: 1723161299999000 },
        ...{ open: '1', high: '3', low: '0.5', close: '2', volume: '10', quoteVolume: '20', tradeCount: 9 },
        ...{ takerBuyVolume: '4', takerBuyQuoteVolume: '8', isClosed: false },
      },
    });
    const quote = { u: 5, s: 'BTCUSDT', b: '1.5', B: '2', a: '1.6', A: '3' };
    expect(parse(combined('btcusdt@bookTicker', quote), '1')).toMatchObject({
      quote: { symbol: 'BTCUSDT', updateId: 5, bid: '1.5', bidSize: '2', ask: '1.6', askSize: '3' },
    });
    const update = { e: 'depthUpdate', E: 1723161255208, s: 'BTCUSDT', U: 3, u: 4, b: [['1', '0']], a: [] };
    expect(parse(combined('btcusdt@depth@100ms', update), '1')).toMatchObject({
      update: {
        firstUpdateId: 3,
        lastUpdateId: 4,
        eventTimeUs: 1723161255208000,
        bids: [['1', '0']],
        asks: [],
      },
    });
  });

  it('tells answers and nameless snapshots from events', () => {
    expect(parse('{"result":null,"id":3}', '1')).toEqual({ kind: 'answer', id: 3, error: undefined });
    expect(parse('{"error":{"code":2,"msg":"no"},"id":3}', '1')).toMatchObject({
      error: '{"code":2,"msg":"no"}',
    });
    expect(parse('{"lastUpdateId":1,"bids":[],"asks":[]}', '1')).toEqual({ kind: 'snapshot' });
  });

  const refusals: [string, string, string][] = [
    ['cut text', '{"stream":"btcusdt@trade","data":{"e":"tr', 'not JSON'],
    ['empty text', '', 'not JSON'],
    ['a list', '[1]', 'not an object'],
    ['null', 'null', 'not an object'],
    ['no stream', JSON.stringify(trade), 'no stream'],
    ['a stream it does not know', combined('btcusdt@aggTrade', trade), 'unknown stream'],
    ['an interval it does not know', combined('btcusdt@kline_7m', trade), 'unknown stream'],
    ['no data', combined('btcusdt@trade', null), 'no data'],
    ["another stream's symbol", combined('ethusdt@trade', trade), "symbol is not its stream's"],
    ['no symbol', combined('btcusdt@trade', { ...trade, s: undefined }), "symbol is not its stream's"],
    ['another event', combined('btcusdt@trade', { ...trade, e: 'aggTrade' }), 'event type'],
    ['no id', combined('btcusdt@trade', { ...trade, t: undefined }), 'trade id'],
    ['a negative id', combined('btcusdt@trade', { ...trade, t: -1 }), 'trade id'],
    ['a fractional id', combined('btcusdt@trade', { ...trade, t: 1.5 }), 'trade id'],
    ['an id as text', combined('btcusdt@trade', { ...trade, t: '7' }), 'trade id'],
    ['an unsafe id', combined('btcusdt@trade', { ...trade, t: 2 ** 53 }), 'trade id'],
    ['a price as number', combined('btcusdt@trade', { ...trade, p: 1.5 }), 'price'],
    ['a price that is none', combined('btcusdt@trade', { ...trade, p: 'NaN' }), 'price'],
    ['a scientific price', combined('btcusdt@trade', { ...trade, p: '1e5' }), 'price'],
    ['an empty price', combined('btcusdt@trade', { ...trade, p: '' }), 'price'],
    ['a price with two points', combined('btcusdt@trade', { ...trade, p: '1.2.3' }), 'price'],
    ['a price that ends in a point', combined('btcusdt@trade', { ...trade, p: '1.' }), 'price'],
    ['no quantity', combined('btcusdt@trade', { ...trade, q: undefined }), 'quantity'],
    ['a quantity with a sign', combined('btcusdt@trade', { ...trade, q: '-1' }), 'quantity'],
    ['no time', combined('btcusdt@trade', { ...trade, T: undefined }), 'trade time'],
    ['seconds', combined('btcusdt@trade', { ...trade, T: 1723161255 }), 'trade time'],
    ['a maker flag as text', combined('btcusdt@trade', { ...trade, m: 'true' }), 'maker flag'],
    ['a kline without body', combined('btcusdt@kline_1m', { e: 'kline', s: 'BTCUSDT' }), 'no kline'],
    [
      "another stream's interval",
      combined('btcusdt@kline_5m', { e: 'kline', s: 'BTCUSDT', k: candle }),
      "kline is not its stream's",
    ],
    [
      'a kline that ends before it begins',
      combined('btcusdt@kline_1m', { e: 'kline', s: 'BTCUSDT', k: { ...candle, T: candle.t - 1 } }),
      'kline times',
    ],
    [
      'a quote without size',
      combined('btcusdt@bookTicker', { u: 5, s: 'BTCUSDT', b: '1', a: '2', A: '1' }),
      'size',
    ],
    [
      'depth with numbers',
      combined('btcusdt@depth', {
        e: 'depthUpdate',
        E: 1723161255208,
        s: 'BTCUSDT',
        U: 1,
        u: 2,
        b: [[1, 2]],
        a: [],
      }),
      'levels',
    ],
  ];

  it.each(refusals)('refuses %s with its text and a reason', (_what, raw, reason) => {
    const event = parse(raw, '9');
    expect(event).toMatchObject({ kind: 'refused', raw, receivedNs: '9' });
    expect(event).toHaveProperty('reason', expect.stringContaining(reason));
  });
});

const marketData =
  process.env.TICKLAKE_MARKET_DATA ?? resolve(import.meta.dirname, '../../../../../shared/market-data');
const recorded = join(marketData, 'streams');

describe.skipIf(!existsSync(recorded))('recorded streams', () => {
  it('hold every trade once, in order, and nothing that is refused', () => {
    const ids = new Map<string, number[]>();
    const refused: string[] = [];
    let snapshots = 0;
    for (const file of readdirSync(recorded).sort()) {
      for (const line of gunzipSync(readFileSync(join(recorded, file)))
        .toString()
        .split('\n')) {
        if (line === '') continue;
        const at = line.indexOf(' ');
        const event = parse(line.slice(at + 1), line.slice(0, at));
        if (event.kind === 'trade') {
          const held = ids.get(event.trade.symbol) ?? [];
          if (held.length === 0) ids.set(event.trade.symbol, held);
          held.push(event.trade.tradeId);
        }
        if (event.kind === 'refused') refused.push(event.reason);
        if (event.kind === 'snapshot') snapshots++;
      }
    }
    expect(refused).toEqual([]);
    expect(snapshots).toBe(2);
    expect(ids.get('BTCUSDT')).toEqual(Array.from({ length: 19_904 }, (_, i) => 3_735_683_259 + i));
    expect(ids.get('ETHUSDT')).toEqual(Array.from({ length: 14_515 }, (_, i) => 1_520_538_925 + i));
  });
});
