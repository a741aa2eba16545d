import { differences, type Books } from './books.ts';
import type { ShownPortfolio } from './portfolio.ts';

/** What is left of a run, once nothing is under way any more. */
export interface Remains {
  exchange: Books;
  live: ShownPortfolio;
  paper: ShownPortfolio;
  /** Orders of the live portfolio whose placement was answered, by their ids. */
  acknowledged: ReadonlySet<string>;
  /** Answers that no client should have had, or that were others when asked for again. */
  surprises: readonly string[];
  /** What `ticklake audit verify` says of each portfolio. */
  chains: readonly { portfolioId: string; ok: boolean; fault: unknown }[];
  /** Orders that were placed behind the portfolio's back once all was at rest, and how many alarms tell of each. */
  strangers: readonly { clientOrderId: string; alarms: number }[];
  /** What the portfolio was stopped by the first of these to be. */
  riskStateAfter: string;
  /** Alarms that the exchange differs, beside those. */
  alarms: readonly string[];
}

const problemsShown = 20;

/** What must not be; empty when the proof holds. */
export function problemsOf(remains: Remains): string[] {
  const { exchange, live, paper, acknowledged } = remains;
  return [
    ...some('unlike the exchange', differences(live.books, exchange)),
    ...some('acknowledged, not stored', beyond(acknowledged, live.orderIds)),
    ...some('stored, never acknowledged', beyond(live.orderIds, acknowledged)),
    ...some('surprises', remains.surprises),
    ...wrongIn('the live portfolio', live),
    ...wrongIn('the paper portfolio', paper),
    ...some('held, though no order is open', Object.entries(live.held)),
    ...some('stopped, though nothing was wrong', live.riskState === 'active' ? [] : [live.riskState]),
    ...some('paper', paperProblems(paper)),
    ...some(
      'chains that are broken',
      remains.chains.filter(({ ok }) => !ok),
    ),
    ...some('alarms, though nothing was wrong', remains.alarms),
    ...some(
      'strangers without one alarm',
      remains.strangers.filter(({ alarms }) => alarms !== 1),
    ),
    ...some('not halted by a stranger', remains.riskStateAfter === 'halted' ? [] : [remains.riskStateAfter]),
    ...idle(remains),
  ];
}

function wrongIn(whose: string, { unbalanced, isRight, differences: wrong }: ShownPortfolio): string[] {
  return [
    ...some(`${whose} has entries that do not sum to zero`, unbalanced),
    ...some(
      `${whose} is not what follows from its events`,
      isRight ? [] : wrong.length > 0 ? wrong : ['its chain'],
    ),
  ];
}

/** What is executed on paper has the fees of paper, and goes on whatever happens to live orders. */
function paperProblems({ books, riskState }: ShownPortfolio): string[] {
  return [
    ...books.fills
      .filter(({ symbol, feeAsset }) => !symbol.endsWith(feeAsset))
      .map(({ symbol, id, fee, feeAsset }) => `a fill by ${symbol} ${id} cost ${fee} ${feeAsset}`),
    ...(riskState === 'active' ? [] : [`it is ${riskState}`]),
  ];
}

/** A proof of nothing. */
function idle({ live, paper, chains, strangers }: Remains): string[] {
  const least = {
    'fills of the live portfolio': live.books.fills.length,
    'fills of the paper portfolio': paper.books.fills.length,
    'canceled orders': live.books.orders.filter(({ status }) => status === 'canceled').length,
    'fees of the base asset': live.books.fills.filter(({ feeAsset }) => feeAsset !== 'USDT').length,
    chains: chains.length,
    strangers: strangers.length,
  };
  return Object.entries(least).flatMap(([what, n]) => (n > 0 ? [] : [`there are no ${what}`]));
}

function beyond(these: ReadonlySet<string>, those: ReadonlySet<string>): string[] {
  return [...these].filter((one) => !those.has(one));
}

function some(what: string, items: readonly unknown[]): string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, problemsShown);
  return [
    `${what}: ${items.length}`,
    ...shown.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))),
  ];
}
