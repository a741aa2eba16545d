import { describe, expect, it } from 'vitest';
import { decodeToken, encodeToken } from '#api/stream/resume-token.ts';
import { tradesOf } from '#api/stream/records.ts';
import { encodeRefused, encodeTrade } from '#core/market/trade.ts';
import { tradeOf } from '#tests/support/lake.ts';

describe('trades off the log', () => {
  it('keep their offsets, and skip what is no trade', () => {
    const good = encodeTrade(tradeOf('s', 'A', 7), 'stream', '1');
    const lines = [
      good,
      encodeRefused('s', 'x', 'odd', 'stream', '1'),
      '{"torn',
      good.replace('"1007.25000000"', '"NaN"'),
      'null',
      encodeTrade(tradeOf('s', 'A', 8), 'stream', '1'),
    ];
    const found = [...tradesOf(Buffer.from(lines.map((line) => `${line}\n`).join('')), 100)];
    expect(found.map(({ offset, sequence }) => [offset, sequence])).toEqual([
      [100, 7],
      [105, 8],
    ]);
    expect(JSON.parse(found[0]?.json ?? '')).toEqual({
      sequence: 7,
      price: '1007.25000000',
      volume: '0.10700000',
      side: 'sell',
      timestamp: '2024-08-08T23:54:14.007000Z',
    });
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
