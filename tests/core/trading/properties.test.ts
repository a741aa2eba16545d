import fc from 'fast-check';
import { expect, it } from 'vitest';
import { apply, emptyPortfolio } from '#core/trading/apply.ts';
import { eventText, parseEvent } from '#core/trading/codec.ts';
import { isRefused } from '#core/trading/decision.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { entriesOf, heldAsset } from '#core/trading/ledger.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { Desk, rebuilt } from './pure.ts';
import { action, type Action } from './sequences.ts';
import { World } from './world.ts';

const runs = Number(process.env['TICKLAKE_TEST_SEQUENCES'] ?? 150);
const sequences = fc.array(action, { minLength: 1, maxLength: 120, size: 'max' });
const funds = { USDT: '100000', BTC: '50', ETH: '100' };

/** The events that follow from a sequence of actions; each decision is looked at as it is made. */
function played(
  actions: readonly Action[],
  look: (after: Portfolio, events: readonly NumberedEvent[], before: Portfolio) => void = () => undefined,
): { events: NumberedEvent[]; portfolio: Portfolio } {
  const { events: opening, portfolio: opened } = new Desk(funds);
  const world = new World();
  const events = [...opening];
  let portfolio = opened;
  for (const each of actions)
    world.act(each, portfolio, (before, decide) => {
      const decision = decide();
      if (isRefused(decision)) return before;
      events.push(...decision.events);
      portfolio = decision.portfolio;
      look(portfolio, decision.events, before);
      return portfolio;
    });
  return { events, portfolio };
}

function holds(property: (actions: Action[]) => void): void {
  fc.assert(fc.property(sequences, property), { numRuns: runs });
}

it('the books balance after every event, and nothing is ever negative', () => {
  holds((actions) => {
    const books = new Map<string, bigint>();
    const { events } = played(actions);
    let portfolio = emptyPortfolio('p');
    for (const event of events) {
      portfolio = apply(portfolio, event);
      const sums = new Map<string, bigint>();
      const entries = entriesOf(event);
      for (const { asset, account, amount } of entries) {
        sums.set(asset, (sums.get(asset) ?? 0n) + amount);
        books.set(`${asset} ${account}`, (books.get(`${asset} ${account}`) ?? 0n) + amount);
      }
      expect([...sums.values()].every((sum) => sum === 0n)).toBe(true);
      expect(new Set(entries.map(({ asset, account }) => `${asset} ${account}`)).size).toBe(entries.length);
      for (const [asset, { available, held }] of portfolio.balances) {
        expect(available).toBe(books.get(`${asset} available`) ?? 0n);
        expect(held).toBe(books.get(`${asset} held`) ?? 0n);
        expect(available >= 0n && held >= 0n).toBe(true);
      }
    }
  });
});

it('what is held is what open orders hold', () => {
  holds((actions) => {
    played(actions, ({ balances, orders }) => {
      const sums = new Map<string, bigint>();
      for (const order of orders.values())
        sums.set(heldAsset(order), (sums.get(heldAsset(order)) ?? 0n) + order.held);
      for (const [asset, { held }] of balances) expect(held).toBe(sums.get(asset) ?? 0n);
    });
  });
});

it('a portfolio is what its stored events make of it, whenever it is read back', () => {
  holds((actions) => {
    const { events, portfolio } = played(actions);
    expect(rebuilt(events)).toEqual(portfolio);
    const stored = events.map((event) => eventText('p', event));
    const read = stored.map((text) => parseEvent(text).event);
    expect(read.map((event) => eventText('p', event))).toEqual(stored);
    expect(rebuilt(read)).toEqual(portfolio);
    expect(read.map(({ number }) => number)).toEqual(read.map((_, index) => index + 1));
  });
});

it('the same commands give the same events, and what was before stays as it was', () => {
  holds((actions) => {
    const before: [Portfolio, string][] = [];
    const first = played(actions, (_, __, portfolio) => before.push([portfolio, textOf(portfolio)]));
    const second = played(actions);
    expect(second.events.map((event) => eventText('p', event))).toEqual(
      first.events.map((event) => eventText('p', event)),
    );
    for (const [portfolio, text] of before) expect(textOf(portfolio)).toBe(text);
  });
});

it('lots and holdings agree, and are no more than there is', () => {
  holds((actions) => {
    played(actions, ({ holdings, balances }) => {
      const sums = new Map<string, bigint>();
      for (const { base, quantity, cost, lots } of holdings.values()) {
        expect(lots.reduce((sum, lot) => sum + lot.quantity, 0n)).toBe(quantity);
        expect(lots.every((lot) => lot.quantity > 0n)).toBe(true);
        expect(quantity >= 0n && cost >= 0n).toBe(true);
        sums.set(base, (sums.get(base) ?? 0n) + quantity);
      }
      for (const [base, sum] of sums) {
        const { available, held } = balances.get(base) ?? { available: 0n, held: 0n };
        expect(sum <= available + held).toBe(true);
      }
    });
  });
});

it('orders fill within their quantity, at their price or better, and end once', () => {
  holds((actions) => {
    const over = new Set<string>();
    for (const event of played(actions).events) {
      if (!('order' in event)) continue;
      const { id, status, quantity, filledQuantity, filledQuote, price, side, held } = event.order;
      expect(over.has(id)).toBe(false);
      expect(filledQuantity <= quantity && held >= 0n && filledQuote >= 0n).toBe(true);
      if (event.type === 'order_filled' && price !== undefined)
        expect(side === 'buy' ? event.fill.price <= price : event.fill.price >= price).toBe(true);
      expect(status === 'filled').toBe(filledQuantity === quantity);
      if (status === 'filled' || status === 'canceled' || status === 'expired') {
        expect(held).toBe(0n);
        over.add(id);
      }
    }
  });
});

it('the sequences come to everything that can happen', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(sequences, (actions) => {
      for (const event of played(actions).events) seen.add(event.type);
    }),
    { numRuns: runs, seed: 7 },
  );
  expect([...seen].sort()).toEqual([
    ...['cancel_after_set', 'day_opened', 'deposited', 'limits_set', 'order_accepted', 'order_activated'],
    ...['order_amended', 'order_canceled', 'order_expired', 'order_filled', 'order_rejected'],
    ...['order_triggered', 'portfolio_opened', 'risk_set', 'withdrawn'],
  ]);
});

function textOf(portfolio: Portfolio): string {
  return JSON.stringify(portfolio, (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Map ? [...value] : value;
  });
}
