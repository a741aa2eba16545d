import { describe, expect, test } from 'vitest';
import type { Ticker } from '#core/exchanges/exchange.ts';
import { firstAfterUnlistedDay, identityOf, type Listing } from '#pipelines/discover-symbols/listings.ts';

const hourUs = 3_600_000_000;
const dayUs = 24 * hourUs;
const known: Listing = {
  ...{ source: 'binance', symbol: 'LUNAUSDT', number: 1, base: 'LUNA', quote: 'USDT', status: 'TRADING' },
  ...{ listedUs: 0, delistedUs: null, lastTradeId: 5_000, seenUs: 100 * dayUs },
};

function identity(
  own: { lastTradeId?: number; afterUs?: number; status?: string; base?: string },
  listing: Partial<Listing> = {},
) {
  const { lastTradeId = 6_000, afterUs = 2 * dayUs, status = 'TRADING', base = 'LUNA' } = own;
  const market = {
    ...{ symbol: 'LUNAUSDT', base, quote: 'USDT', status, permissions: [] },
    ...{ tickSize: '0.1', stepSize: '0.1', minQuantity: '0.1', minNotional: '5' },
  };
  const ticker: Ticker = {
    ...{ symbol: 'LUNAUSDT', lastPrice: '1', openPrice: '1', highPrice: '1', lowPrice: '1' },
    ...{ volume: '1', quoteVolume: '1', openTimeUs: 0, closeTimeUs: 1, firstTradeId: -1, tradeCount: 0 },
    lastTradeId,
  };
  return identityOf({ ...known, ...listing }, { market, ticker, nowUs: known.seenUs + afterUs });
}

describe('who has the name', () => {
  test('ids that go on are the same coin, ids that began again another', () => {
    expect(identity({})).toBe('same');
    expect(identity({ lastTradeId: 40 })).toBe('another');
    expect(identity({ base: 'LUNC' })).toBe('another');
  });

  test('no trade at all, or an answer that lags, proves nothing', () => {
    expect(identity({ lastTradeId: -1 })).toBe('same');
    expect(identity({ lastTradeId: 4_999, afterUs: 2_000_000 })).toBe('same');
  });

  test('who had ended and trades again with ids that go on is to be asked for', () => {
    expect(identity({}, { delistedUs: 101 * dayUs })).toBe('ask');
    expect(identity({ status: 'BREAK' }, { delistedUs: 101 * dayUs })).toBe('same');
  });
});

describe('the first day after one on which a name was nobody’s', () => {
  test.each([
    [10.5 * dayUs, [10, 11, 12], undefined],
    [10.5 * dayUs, [11, 12], undefined],
    [10.5 * dayUs, [10, 12, 13], 12],
    [10.5 * dayUs, [14, 15], 14],
    [10.5 * dayUs, [], undefined],
  ])('%d, %j → %s', (endUs, days, expected) => {
    const found = firstAfterUnlistedDay(
      endUs,
      days.map((day) => day * dayUs),
    );
    expect(found).toBe(expected === undefined ? undefined : expected * dayUs);
  });
});
