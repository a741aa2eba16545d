import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barOver, type Bar } from '#core/exchanges/simulator/bars.ts';
import { hoursOf, minutesOf, minutesPerDay } from '#core/exchanges/simulator/minutes.ts';
import { minuteMs, type MarketTape } from '#core/exchanges/simulator/market-tape.ts';
import { Tape } from '#core/exchanges/simulator/tape.ts';
import { tradesOf } from '#core/exchanges/simulator/trades.ts';
import { fromTrades } from './sums.ts';

const symbols = 60;
const tapes = new Map([1, 42, 4_294_967_295].map((seed) => [seed, new Tape({ seed, symbols })]));

/** A market of some seed, and a day on which it trades. */
const someDay = fc
  .record({
    seed: fc.constantFrom(...tapes.keys()),
    market: fc.nat(symbols - 1),
    age: fc.nat(1_500),
  })
  .map(({ seed, market, age }) => {
    const tape = tapes.get(seed)?.markets[market];
    if (tape === undefined) throw new RangeError('no such market');
    return { tape, day: tape.market.listingDay + age };
  });
const someMinute = fc
  .record({ at: someDay, minute: fc.nat(minutesPerDay - 1) })
  .map(({ at: { tape, day }, minute }) => ({ tape, day, minute: day * minutesPerDay + minute }));

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

describe('a day', () => {
  it('is what its hours are, and each hour what its minutes are', () => {
    fc.assert(
      fc.property(someDay, ({ tape, day }) => {
        const bar = tape.days.bar(day);
        const hours = hoursOf(tape.market, day, bar);
        const minutes = tape.minutes(day);
        expect([hours.open[0], hours.close[23]]).toEqual([bar.open, bar.close]);
        expect([Math.max(...hours.high), Math.min(...hours.low)]).toEqual([bar.high, bar.low]);
        expect([sum(hours.pairs), sum(hours.halfVolume)]).toEqual([bar.pairs, bar.halfVolume]);
        for (let hour = 0; hour < 24; hour++) {
          const [from, to] = [hour * 60, hour * 60 + 60];
          expect(minutes.open[from]).toBe(hours.open[hour]);
          expect(minutes.close[to - 1]).toBe(hours.close[hour]);
          expect(Math.max(...minutes.high.subarray(from, to))).toBe(hours.high[hour]);
          expect(Math.min(...minutes.low.subarray(from, to))).toBe(hours.low[hour]);
          expect(sum(minutes.pairs.subarray(from, to))).toBe(hours.pairs[hour]);
          expect(sum(minutes.halfVolume.subarray(from, to))).toBe(hours.halfVolume[hour]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('opens where the one before closed, and its ids follow', () => {
    fc.assert(
      fc.property(someDay, ({ tape, day }) => {
        const bar = tape.days.bar(day);
        expect(tape.days.bar(day + 1).open).toBe(bar.close);
        expect(tape.firstId((day + 1) * minutesPerDay)).toBe(
          tape.firstId(day * minutesPerDay) + 2 * bar.pairs,
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('a minute', () => {
  it('is exactly what its trades are', () => {
    fc.assert(
      fc.property(someMinute, ({ tape, minute }) => {
        const bar = barOver(tape, minute, minute + 1, (minute + 1) * minuteMs);
        const made = fromTrades(tape, minute, minute + 1);
        if (made.count > 0) expect(made).toEqual(bar);
        else
          expect(bar).toMatchObject({ count: 0, volume: 0, quoteVolume: 0n, high: bar.open, low: bar.close });
      }),
      { numRuns: 2_000 },
    );
  });

  it('has trades of at least a lot, in order of time, within it', () => {
    fc.assert(
      fc.property(someMinute, ({ tape, minute }) => {
        const { lots, offsetMs, price } = tape.trades(minute);
        expect(lots.every((quantity) => Number.isSafeInteger(quantity) && quantity >= 1)).toBe(true);
        expect(price.every((ticks) => ticks >= 1)).toBe(true);
        expect(offsetMs.toSorted()).toEqual(offsetMs);
        expect(offsetMs.every((offset) => offset < minuteMs)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is a bar of any longer span as well, also as far as it has happened', () => {
    fc.assert(
      fc.property(someMinute, fc.integer({ min: 2, max: 90 }), ({ tape, minute }, length) => {
        const to = minute + length;
        const made = fromTrades(tape, minute, to);
        if (made.count > 0) expect(barOver(tape, minute, to, to * minuteMs)).toEqual(made);
        const nowMs = (to - 1) * minuteMs + 31_234;
        const before = fromTrades(tape, minute, to - 1);
        const { price, offsetMs } = tape.trades(to - 1);
        const happened = price.filter((_, i) => (offsetMs[i] ?? 0) <= 31_234);
        const bar = barOver(tape, minute, to, nowMs);
        expect(bar.count).toBe(before.count + happened.length);
        if (happened.length > 0) expect(bar.close).toBe(happened.at(-1));
        expect(tape.nextId(nowMs)).toBe(tape.firstId(minute) + bar.count);
      }),
      { numRuns: 150 },
    );
  });
});

describe('several days', () => {
  it('are what their minutes are', () => {
    fc.assert(
      fc.property(someMinute, fc.integer({ min: 1_441, max: 6_000 }), ({ tape, minute }, length) => {
        const to = minute + length;
        const bars = Array.from({ length }, (_, i) => {
          return barOver(tape, minute + i, minute + i + 1, to * minuteMs);
        });
        const total = (of: (bar: Bar) => bigint | number) =>
          bars.reduce((all, bar) => all + BigInt(of(bar)), 0n);
        expect(barOver(tape, minute, to, to * minuteMs)).toEqual({
          open: bars[0]?.open,
          high: Math.max(...bars.map(({ high }) => high)),
          low: Math.min(...bars.map(({ low }) => low)),
          close: bars.at(-1)?.close,
          volume: Number(total(({ volume }) => volume)),
          quoteVolume: total(({ quoteVolume }) => quoteVolume),
          count: Number(total(({ count }) => count)),
          buyVolume: Number(total(({ buyVolume }) => buyVolume)),
          buyQuoteVolume: total(({ buyQuoteVolume }) => buyQuoteVolume),
        });
      }),
      { numRuns: 40 },
    );
  });
});

describe('trade ids', () => {
  it('count from 1 at the listing', () => {
    for (const tape of tapes.get(42)?.markets ?? []) expect(tape.firstId(tape.firstMinute)).toBe(1);
  });

  it('are found where they stand', () => {
    fc.assert(
      fc.property(someMinute, fc.nat(), ({ tape, minute }, place) => {
        const { length } = tape.trades(minute).price;
        fc.pre(length > 0);
        const index = place % length;
        expect(tape.placeOf(tape.firstId(minute) + index)).toEqual({ minute, index });
      }),
      { numRuns: 1_000 },
    );
  });

  it('have no holes between minutes, empty ones included', () => {
    fc.assert(
      fc.property(someMinute, ({ tape, minute }) => {
        for (let i = minute; i < minute + 30; i++) {
          expect(tape.firstId(i + 1)).toBe(tape.firstId(i) + tape.trades(i).price.length);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the tape', () => {
  it('is the same whatever was asked for before', () => {
    fc.assert(
      fc.property(someMinute, ({ tape, day, minute }) => {
        const played = tape.trades(minute);
        const alone = new Tape({ seed: seedOf(tape), symbols }).market(tape.market.symbol);
        if (alone === undefined) throw new RangeError('no such market');
        expect(alone.trades(minute)).toEqual(played);
        const fresh = minutesOf(alone.market, day, alone.days.bar(day));
        expect(tradesOf(alone.market, day, fresh, minute - day * minutesPerDay)).toEqual(played);
      }),
      { numRuns: 25 },
    );
  });

  it('lists the same markets however many there are', () => {
    const all = new Tape({ seed: 42, symbols: 500 }).markets.map(({ market }) => market);
    expect(new Set(all.map(({ symbol }) => symbol)).size).toBe(500);
    expect(tapes.get(42)?.markets.map(({ market }) => market)).toEqual(all.slice(0, symbols));
    expect(new Set(all.map(({ quote }) => quote))).toEqual(
      new Set(['USDT', 'USDC', 'FDUSD', 'EUR', 'TRY', 'BTC']),
    );
    expect(all.every(({ tickDigits, stepDigits }) => tickDigits + stepDigits <= 8)).toBe(true);
  });

  it('of another seed is another', () => {
    const minute = 20_000 * minutesPerDay;
    const prices = [...tapes.values()].map((tape) => tape.market('BTCUSDT')?.trades(minute).price.join());
    expect(new Set(prices).size).toBe(tapes.size);
  });

  it('has minutes without trades, and days of more and of less volatility that cluster', () => {
    const markets = tapes.get(42)?.markets ?? [];
    const empty = markets.filter((tape) => tape.minutes(20_100).pairs.includes(0));
    expect(empty.length).toBeGreaterThan(0);
    expect(empty.length).toBeLessThan(markets.length);
    const correlations = markets.slice(0, 10).map((tape) => clustering(tape));
    expect(sum(correlations) / correlations.length).toBeGreaterThan(0.05);
  });
});

function seedOf(tape: MarketTape): number {
  const found = [...tapes].find(([, { markets }]) => markets.includes(tape));
  return found?.[0] ?? NaN;
}

/** Correlation of a day's squared return with the next day's. */
function clustering(tape: MarketTape): number {
  const squares = Array.from({ length: 2_000 }, (_, i) => {
    const { open, close } = tape.days.bar(tape.market.listingDay + i);
    return Math.log(close / open) ** 2;
  });
  const mean = sum(squares) / squares.length;
  const spread = (i: number) => (squares[i] ?? 0) - mean;
  const covariance = sum(squares.slice(1).map((_, i) => spread(i) * spread(i + 1)));
  return covariance / sum(squares.map((_, i) => spread(i) ** 2));
}
