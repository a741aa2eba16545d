import fc from 'fast-check';
import type { RiskState } from '#core/trading/portfolio.ts';
import { action, ordinary, type Action } from '#tests/core/trading/sequences.ts';

/** Something that is asked of one of the portfolios, by one of the writers. */
export interface StepAsk {
  action: Action;
  portfolio: number;
  writer: number;
  /** The other writer is asked the same at once, with the same key. */
  isTwice: boolean;
  /** What the market does is written as the trader writes it: together with a place of its own, and without a key. */
  isGuarded: boolean;
}

/** How a writer's connections break amid what it does. */
export type Break =
  /** Postgres ends them. */
  | 'terminated'
  /** The network does. */
  | 'cut'
  /** The answers are lost first, those to COMMIT too. */
  | 'unanswered'
  /** What is asked is lost first. */
  | 'unheard'
  /** The writer is gone, and another one takes its place. */
  | 'replaced'
  /** A server process of Postgres is killed by SIGKILL, which ends all connections and has it recover. */
  | 'recovering';

/** What happens at one time. */
export interface Step {
  asks: readonly StepAsk[];
  broken?: { how: Break; writer: number; afterMs: number } | undefined;
  /** Which of the commands so far are asked again meanwhile, as shares of them. */
  again: readonly number[];
  /** The state that all portfolios are set to meanwhile. */
  globalRisk?: RiskState | undefined;
}

const either = fc.nat({ max: 1 });
const ask: fc.Arbitrary<StepAsk> = fc.record({
  ...{ action: fc.oneof(action, ordinary), portfolio: either, writer: either },
  isTwice: fc.nat({ max: 3 }).map((n) => n === 0),
  isGuarded: fc.boolean(),
});

const broken = fc.record({
  how: fc.oneof(
    { weight: 18, arbitrary: fc.constantFrom<Break>('terminated', 'cut', 'replaced', 'unheard') },
    { weight: 12, arbitrary: fc.constant<Break>('unanswered') },
    { weight: 1, arbitrary: fc.constant<Break>('recovering') },
  ),
  writer: either,
  afterMs: fc.integer({ min: 0, max: 8 }),
});

const step: fc.Arbitrary<Step> = fc.record({
  asks: fc.array(ask, { minLength: 1, maxLength: 6, size: 'max' }),
  broken: fc.option(broken, { nil: undefined, freq: 2 }),
  again: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 3 }),
  globalRisk: fc.option(fc.constantFrom<RiskState>('active', 'active', 'reducing', 'halted'), {
    nil: undefined,
    freq: 12,
  }),
});

export const steps = fc.array(step, { minLength: 1, maxLength: 24, size: 'max' });
