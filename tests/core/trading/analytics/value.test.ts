import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalText, multiply } from '#core/market/decimal.ts';
import { apply, emptyPortfolio } from '#core/trading/apply.ts';
import { changesOf, figuresOf, isFlow } from '#core/trading/analytics/figures.ts';
import { performanceOf } from '#core/trading/analytics/returns.ts';
import type { Step } from '#core/trading/analytics/steps.ts';
import { valuesOver, type WorthAt } from '#core/trading/analytics/value.ts';
import { isRefused } from '#core/trading/decision.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { d } from '../pure.ts';
import { action } from '../sequences.ts';
import { World } from '../world.ts';

const step = (atUs: number, asset: string, amount: string, moved = false): Step => ({
  ...{ atUs, asset, amount: d(amount), isFlow: moved },
});
const shown = (values: ReturnType<typeof valuesOver>): unknown[] =>
  values.map(({ atUs, value, flow, unpriced }) => [
    atUs,
    decimalText(value),
    decimalText(flow),
    unpriced.join(),
  ]);

/** BTC at 100 up to 10, at 200 up to 20, and then unknown. */
const worthAt: WorthAt = (asset, amount, atUs) => {
  if (asset === 'USDT') return { worth: amount, ageUs: 0 };
  if (asset !== 'BTC' || atUs > 20) return undefined;
  return { worth: multiply(amount, d(atUs > 10 ? '200' : '100'), 'down'), ageUs: atUs };
};

describe('values over time', () => {
  it('are of what there was at each instant, and before each movement of money', () => {
    const steps = [
      step(1, 'USDT', '1000', true),
      step(5, 'USDT', '-500'),
      step(5, 'BTC', '5'),
      step(12, 'BTC', '1', true),
      step(15, 'USDT', '-100', true),
      step(20, 'BTC', '-6'),
      step(20, 'USDT', '1200'),
    ];
    expect(shown(valuesOver(steps, [0, 4, 10, 12, 20, 30], worthAt))).toEqual([
      [0, '0', '0', ''],
      [1, '0', '1000', ''],
      [4, '1000', '0', ''],
      [10, '1000', '0', ''],
      [12, '1500', '200', ''],
      [12, '1700', '0', ''],
      [15, '1700', '-100', ''],
      [20, '1600', '0', ''],
      [30, '1600', '0', ''],
    ]);
  });

  it('name what has no price, and do not count it', () => {
    const steps = [step(1, 'USDT', '10', true), step(2, 'XYZ', '3', true), step(25, 'BTC', '1', true)];
    expect(shown(valuesOver(steps, [1, 9, 25], worthAt))).toEqual([
      [1, '10', '0', ''],
      [2, '10', '0', 'XYZ'],
      [9, '10', '0', 'XYZ'],
      [25, '10', '0', 'XYZ,BTC'],
      [25, '10', '0', 'XYZ,BTC'],
    ]);
  });
});

describe('figures', () => {
  it('of random sequences are what the portfolio comes to after each event', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
        const events = eventsOf(actions);
        const after = events.reduce<Portfolio>(apply, emptyPortfolio('p'));
        const figures = figuresOf(events.map((event) => ({ portfolioId: 'p', event })));
        const totals = new Map<string, bigint>();
        for (const { asset, amount } of figures.changes)
          totals.set(asset, (totals.get(asset) ?? 0n) + amount);
        for (const [asset, { available, held }] of after.balances)
          expect(totals.get(asset) ?? 0n, asset).toBe(available + held);
        const realized = figures.fills.reduce((sum, one) => sum + one.realizedAverage, 0n);
        const holdings = [...after.holdings.values()].reduce((sum, one) => sum + one.realizedAverage, 0n);
        expect(realized).toBe(holdings);
        expect(figures.activity.reduce((sum, one) => sum + one.events, 0)).toBe(events.length);
      }),
      { numRuns: 60 },
    );
  });

  it('are the same however the events are divided', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), fc.nat(), (actions, cut) => {
        const events = eventsOf(actions).map((event) => ({ portfolioId: 'p', event }));
        const at = cut % (events.length + 1);
        const parts = [figuresOf(events.slice(0, at)), figuresOf(events.slice(at))];
        const sum = (of: 'amount'): bigint =>
          parts.flatMap(({ changes }) => changes).reduce((total, one) => total + one[of], 0n);
        expect(sum('amount')).toBe(figuresOf(events).changes.reduce((total, one) => total + one.amount, 0n));
      }),
      { numRuns: 30 },
    );
  });
});

describe('the return of random sequences', () => {
  it('is what a slow recomputation from the events comes to', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
        const all = eventsOf(actions);
        const instants = all.map(({ atUs }) => atUs).filter((_, i) => i % 3 === 0);
        const events = all.filter(({ atUs }) => atUs <= (instants.at(-1) ?? 0));
        const priced: WorthAt = (asset, amount, atUs) => ({
          worth: multiply(amount, d(String(priceOf(asset, atUs))), 'down'),
          ageUs: 0,
        });
        const steps = events.flatMap((event) =>
          [...changesOf(event)].map(([asset, amount]) => ({
            ...{ atUs: event.atUs, asset, amount, isFlow: isFlow(event) },
          })),
        );
        const values = valuesOver(steps, instants, priced).map(({ value, flow, isFlow: moved }) => ({
          ...{ value: Number(decimalText(value)), flow: Number(decimalText(flow)), isFlow: moved },
        }));
        const slow = slowReturn(events, instants);
        expect(performanceOf(values)?.timeWeightedReturn).toBeCloseTo(slow, 9);
      }),
      { numRuns: 60 },
    );
  });
});

/** The events that actions come to; they happen some minutes after each other. */
function eventsOf(actions: readonly Parameters<World['act']>[0][]): NumberedEvent[] {
  const world = new World();
  const events: NumberedEvent[] = [];
  let portfolio = emptyPortfolio('p');
  for (const one of actions) {
    world.act(one, portfolio, (before, again) => {
      const decision = again();
      if (isRefused(decision)) return before;
      for (const event of decision.events)
        events.push({ ...event, atUs: 1_700_000_000_000_000 + events.length * 411_000_000 });
      return (portfolio = decision.portfolio);
    });
  }
  return events;
}

function priceOf(asset: string, atUs: number): number {
  if (asset === 'USDT') return 1;
  return (asset === 'BTC' ? 100 : 5) + (Math.floor(atUs / 1_000_000_000) % 7);
}

/** From whole portfolios, replayed anew for each moment. */
function slowReturn(events: readonly NumberedEvent[], instants: readonly number[]): number {
  const worthOf = (upTo: readonly NumberedEvent[], atUs: number): number => {
    const { balances } = upTo.reduce<Portfolio>(apply, emptyPortfolio('p'));
    return [...balances].reduce(
      (sum, [asset, { available, held }]) => sum + (Number(available + held) / 1e18) * priceOf(asset, atUs),
      0,
    );
  };
  const [first = 0] = instants;
  const last = instants.at(-1) ?? 0;
  const flows = events.filter((event) => isFlow(event) && event.atUs > first);
  const cuts = flows.map(({ number }) => number);
  let growth = 1;
  let base = worthOf(
    events.filter(({ atUs }) => atUs <= first),
    first,
  );
  for (const number of cuts) {
    const flow = events[number - 1];
    if (flow === undefined) throw new Error(`no event ${number}`);
    const before = worthOf(events.slice(0, number - 1), flow.atUs);
    if (base > 0) growth *= before / base;
    base = worthOf(events.slice(0, number), flow.atUs);
  }
  if (base > 0) growth *= worthOf(events, last) / base;
  return growth - 1;
}
