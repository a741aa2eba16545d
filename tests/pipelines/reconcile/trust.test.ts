import { expect, it } from 'vitest';
import { trustedOf, type Difference } from '#pipelines/reconcile/trust.ts';

const candle: Difference = {
  ...{
    source: 'binance',
    symbol: 'BTCUSDT',
    interval: '1m',
    openTime: '2024-03-05T00:00:00.000000Z',
    field: 'volume',
  },
  checked: { channel: 'candles', value: '2' },
  against: { channel: 'klines', value: '3' },
  ...{ isComplete: true, isFilled: false, isShifted: false },
};
const held: Difference = {
  ...candle,
  checked: { channel: 'klines', value: '2' },
  against: { channel: 'rest', value: '3' },
};

it.each([
  ['a candle of all its trades', candle, 'candles', 'every trade of the bar is held'],
  ['a candle that lacks trades', { ...candle, isComplete: false }, 'klines', 'not held'],
  ['a trade in the bar beside it', { ...candle, isShifted: true }, 'klines', 'at the edge'],
  [
    'trades in a bar that we filled',
    { ...candle, isFilled: true, isComplete: false },
    'candles',
    'filled by us',
  ],
  [
    'a candle without a held bar',
    { ...candle, isComplete: false, against: held.against },
    'rest',
    'not held',
  ],
  ['a bar that was restated', held, 'rest', 'restated'],
  ['a bar that we filled and the exchange has now', { ...held, isFilled: true }, 'rest', 'now it has one'],
  [
    'a bar that the exchange has no more',
    { ...held, field: 'bar', against: { channel: 'rest' as const, value: null } },
    'klines',
    'gives none now',
  ],
])('says whom to believe of %s', (_, difference, trusted, reason) => {
  const verdict = trustedOf(difference);
  expect(verdict.trusted).toBe(trusted);
  expect(verdict.reason).toContain(reason);
});
