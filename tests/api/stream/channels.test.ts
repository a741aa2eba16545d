import { describe, expect, it } from 'vitest';
import { candlesChannel } from '#api/stream/channels/candles.ts';
import { indicatorsChannel } from '#api/stream/channels/indicators.ts';
import { signalsChannel, signalsOf } from '#api/stream/channels/signals.ts';
import { tradesChannel } from '#api/stream/channels/trades.ts';
import { decodeToken, encodeToken } from '#api/stream/resume-token.ts';
import { encodeRefused, encodeTrade } from '#core/market/trade.ts';
import { candlestick, indicators, signal } from '#tests/api/live-records.ts';
import { tradeOf } from '#tests/support/lake.ts';

const market = { source: 's', symbol: 'A', interval: '1m' } as const;
const linesOf = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));

describe('records off the log', () => {
  it('keep their offsets, and what is none of the topic is skipped', () => {
    const good = encodeTrade(tradeOf('s', 'A', 7), 'stream', '1');
    const lines = linesOf([
      good,
      encodeRefused('s', 'x', 'odd', 'stream', '1'),
      '{"torn',
      good.replace('"1007.25000000"', '"NaN"'),
      'null',
      encodeTrade(tradeOf('s', 'A', 8), 'stream', '1'),
    ]);
    const found = [...tradesChannel.decode(lines, 100)];
    expect(found.map(({ offset, key, position }) => [offset, key, position])).toEqual([
      [100, 's|A', 7],
      [105, 's|A', 8],
    ]);
    expect(JSON.parse(found[0]?.json ?? '')).toEqual({
      sequence: 7,
      price: '1007.25000000',
      volume: '0.10700000',
      side: 'sell',
      timestamp: '2024-08-08T23:54:14.007000Z',
    });
  });

  it.each([
    [candlesChannel, candlestick(market, 3, 2), 's|A|1m', { close: '103.125', volume: '3.5', revision: 2 }],
    [indicatorsChannel, indicators(market, 3, 2), 's|A|1m', { close: 103.125, sma20: 103.5, sma200: null }],
    [signalsChannel, signal(market, 3), 's|A|1m|ma_crossover', { signal: 'BUY', price: '100.125' }],
  ] as const)('of $name are given as the API gives them', (channel, record, key, expected) => {
    const torn = JSON.stringify({ ...record, open_us: 'noon' });
    const found = [...channel.decode(linesOf([torn, JSON.stringify(record)]), 5)];
    expect(found).toMatchObject([{ offset: 6, key, position: record.open_us }]);
    expect(JSON.parse(found[0]?.json ?? '')).toMatchObject({
      openTime: '2026-03-01T00:03:00.000000Z',
      ...expected,
    });
  });
});

describe('signals asked for', () => {
  const keys = ['s|A|1m|x', 's|A|5m|x', 's|B|1m|x', 't|A|1m|y'];
  it.each([
    [{}, keys],
    [{ source: 's' }, keys.slice(0, 3)],
    [{ symbols: ['A'], interval: '1m' }, ['s|A|1m|x', 't|A|1m|y']],
    [{ source: 's', interval: '5m' }, ['s|A|5m|x']],
  ])('by %j', (filter, expected) => {
    const rule = signalsOf(filter);
    expect(keys.filter((key) => rule.has(key))).toEqual(expected);
  });
});

describe('resume tokens', () => {
  it('come back as they were', () => {
    const place = { incarnation: 'a-b', offsets: [0, 17, 3] };
    expect(decodeToken(encodeToken(place))).toEqual(place);
  });

  it.each(['', 'e30', 'bnVsbA', 'WzIsIngiLFtdXQ', 'WzEsIngiLFstMV1d', 'not base64 at all'])(
    'that are none (%j) are told apart',
    (token) => {
      expect(decodeToken(token)).toBeUndefined();
    },
  );
});
