import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barOver } from '#core/exchanges/simulator/bars.ts';
import type { Incident } from '#core/exchanges/simulator/incidents.ts';
import { minuteMs } from '#core/exchanges/simulator/market-tape.ts';
import { seededLife } from '#core/exchanges/simulator/seeded-life.ts';
import { Tape } from '#core/exchanges/simulator/tape.ts';
import { fromTrades } from './sums.ts';

const options = { seed: 42, symbols: 30 };
const symbols = ['BTCUSDT', 'LINKUSDT', 'BTCUPUSDT', 'LTCUSDC'];
const minutesPerDay = 1_440;
/** Two days of which anything may befall the markets. */
const start = (Date.parse('2024-03-05') / 86_400_000) * minutesPerDay;
const length = 2 * minutesPerDay;

const span = fc
  .record({ at: fc.nat(length), minutes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.nat(length)) })
  .map(({ at, minutes }) => ({ from: start + at, to: start + at + minutes + 1 }));

/** A market that had halts, the exchange outages, and perhaps the name another coin in the end. */
const lived = fc.record({
  symbol: fc.constantFrom(...symbols),
  halts: fc.array(span, { maxLength: 4 }),
  outages: fc.array(span, { maxLength: 3 }),
  delisted: fc.option(fc.nat(length - 1)),
  relisted: fc.option(fc.constantFrom('restart', 'continue')),
});

function play({
  symbol,
  halts,
  outages,
  delisted,
  relisted,
}: typeof lived extends fc.Arbitrary<infer T> ? T : never) {
  const incidents: Incident[] = [
    ...halts.map((halt) => ({ kind: 'halt' as const, symbol, ...halt })),
    ...outages.map((outage) => ({ kind: 'outage' as const, ...outage })),
  ];
  if (delisted !== null) {
    incidents.push({ kind: 'delisting', symbol, from: start + delisted });
    const from = start + length;
    if (relisted !== null) incidents.push({ kind: 'relisting', symbol, from, ids: relisted });
  }
  const tape = new Tape(options);
  tape.live(incidents);
  const [first, second] = tape.listings(symbol);
  if (first === undefined) throw new RangeError('no such market');
  const isQuiet = (minute: number) =>
    [...halts, ...outages].some(({ from, to }) => from <= minute && minute < to) ||
    (delisted !== null && minute >= start + delisted);
  return { tape, symbol, incidents, isQuiet, first, second };
}

const windowOf = fc.record({ at: fc.nat(length - 1), minutes: fc.integer({ min: 1, max: 400 }) });

describe('a market to which things happen', () => {
  it('trades in exactly the minutes that are not quiet, with ids that follow each other', () => {
    fc.assert(
      fc.property(lived, (what) => {
        const { first, isQuiet } = play(what);
        const calm = new Tape(options).market(what.symbol);
        let id = first.firstId(start - 1);
        for (let minute = start - 1; minute < start + length + 100; minute++) {
          expect(first.firstId(minute)).toBe(id);
          const { length: count } = first.trades(minute).price;
          if (isQuiet(minute)) expect(count).toBe(0);
          else expect(first.trades(minute)).toEqual(calm?.trades(minute));
          expect(first.isTrading(minute * minuteMs)).toBe(!isQuiet(minute));
          if (count > 0) expect(first.placeOf(id)).toEqual({ minute, index: 0 });
          if (count > 0) expect(first.placeOf(id + count - 1)).toEqual({ minute, index: count - 1 });
          id += count;
        }
      }),
      { numRuns: 10 },
    );
  });

  it('has bars that are what its trades are, and flat ones at the last price', () => {
    fc.assert(
      fc.property(lived, fc.array(windowOf, { minLength: 5, maxLength: 30 }), (what, windows) => {
        const { first: market } = play(what);
        for (const { at, minutes } of windows) {
          const [from, to] = [start + at, start + at + minutes];
          const bar = barOver(market, from, to, (to + 5) * minuteMs);
          const made = fromTrades(market, from, to);
          if (made.count > 0) {
            expect(bar).toEqual(made);
            continue;
          }
          let last = from - 1;
          while (market.trades(last).price.length === 0) last--;
          const price = market.trades(last).price.at(-1);
          expect(bar).toEqual({
            ...{ open: price, high: price, low: price, close: price, count: 0 },
            ...{ volume: 0, quoteVolume: 0n, buyVolume: 0, buyQuoteVolume: 0n },
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has running bars that are what has happened of them', () => {
    fc.assert(
      fc.property(lived, windowOf, fc.nat(minuteMs - 1), (what, { at, minutes }, offset) => {
        const { first: market } = play(what);
        const [from, running] = [start + at, start + at + minutes - 1];
        const before = fromTrades(market, from, running);
        const { price, offsetMs } = market.trades(running);
        const happened = price.filter((_, i) => (offsetMs[i] ?? 0) <= offset);
        const bar = barOver(market, from, running + 1, running * minuteMs + offset);
        expect(bar.count).toBe(before.count + happened.length);
        expect(market.nextId(running * minuteMs + offset)).toBe(market.firstId(from) + bar.count);
        if (bar.count === 0) return;
        const prices = [...happened, ...(before.count > 0 ? [before.high, before.low] : [])];
        expect([bar.high, bar.low]).toEqual([Math.max(...prices), Math.min(...prices)]);
        expect(bar.open).toBe(before.open ?? happened[0]);
        expect(bar.close).toBe(happened.at(-1) ?? before.close);
      }),
      { numRuns: 80 },
    );
  });

  it('gives its name to another coin: other prices, ids from 1 or going on', () => {
    fc.assert(
      fc.property(lived, (what) => {
        const { tape, symbol, incidents, first, second } = play(what);
        const relisting = incidents.find(({ kind }) => kind === 'relisting');
        expect(second === undefined).toBe(relisting === undefined);
        if (relisting?.kind !== 'relisting' || second === undefined) return;
        const last = first.nextId(relisting.from * minuteMs);
        expect(second.oldestId).toBe(relisting.ids === 'continue' ? last : 1);
        expect(tape.market(symbol, relisting.from * minuteMs - 1)).toBe(first);
        expect(tape.market(symbol, relisting.from * minuteMs)).toBe(second);
        expect(second.closeBefore(relisting.from)).toBeLessThan(first.closeBefore(relisting.from) / 2);
        const day = fromTrades(second, relisting.from, relisting.from + minutesPerDay);
        if (day.count === 0) return;
        expect(barOver(second, relisting.from, relisting.from + minutesPerDay, Infinity)).toEqual(day);
        expect(second.placeOf(second.oldestId + day.count - 1).minute).toBeLessThan(
          relisting.from + minutesPerDay,
        );
      }),
      { numRuns: 20 },
    );
  });

  it('is what it was before anything happened', () => {
    const tape = new Tape(options);
    const market = tape.market('LINKUSDT');
    if (market === undefined) throw new RangeError('no such market');
    const before = fromTrades(market, start, start + 300);
    tape.live([
      { kind: 'outage', from: start + 300, to: start + 310 },
      { kind: 'delisting', symbol: 'LINKUSDT', from: start + 400 },
      { kind: 'delisting', symbol: 'BTCUSDT', from: start },
    ]);
    expect(fromTrades(market, start, start + 300)).toEqual(before);
    expect(market.trades(start + 300).price).toHaveLength(0);
    expect(market.trades(start + 310).price.length).toBeGreaterThan(0);
    expect(market.status((start + 399) * minuteMs)).toBe('TRADING');
    expect(market.status((start + 400) * minuteMs)).toBe('BREAK');
  });
});

describe('an eventful seed', () => {
  const markets = new Tape({ seed: 42, symbols: 200 }).markets.map(({ market }) => market);
  const life = seededLife(42, markets);

  it('always brings the same, whatever the number of markets', () => {
    expect(seededLife(42, markets)).toEqual(life);
    const some = seededLife(42, markets.slice(0, 50));
    const names = new Set(markets.slice(0, 50).map(({ symbol }) => symbol));
    expect(some).toEqual(life.filter((incident) => !('symbol' in incident) || names.has(incident.symbol)));
    expect(seededLife(43, markets)).not.toEqual(life);
  });

  it('brings outages, halts, ends and new beginnings, in a sensible order', () => {
    const count = (kind: string) => life.filter((incident) => incident.kind === kind).length;
    for (const kind of ['outage', 'halt', 'delisting', 'relisting']) expect(count(kind)).toBeGreaterThan(5);
    expect(count('delisting')).toBeLessThan(markets.length / 2);
    const tape = new Tape({ seed: 42, symbols: 200 });
    tape.live(life);
    for (const incident of life) {
      if (incident.kind !== 'relisting') continue;
      const [first, second] = tape.listings(incident.symbol);
      expect(first?.life.delisted).toBeLessThan(incident.from);
      expect(second?.firstMinute).toBe(incident.from);
      expect(second?.life.delisted).toBe(Infinity);
    }
    const steadfast = new Set(markets.slice(0, 10).map(({ symbol }) => symbol));
    expect(life.some((incident) => 'symbol' in incident && steadfast.has(incident.symbol))).toBe(false);
  });
});
