import type { ErrorCode } from '#core/platform/errors.ts';
import { emptyPortfolio } from '#core/trading/apply.ts';
import { eventText } from '#core/trading/codec.ts';
import type { Command, MarketView, Surroundings } from '#core/trading/command.ts';
import { decide } from '#core/trading/decide.ts';
import { isRefused, type Decision } from '#core/trading/decision.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { Portfolio, RiskState } from '#core/trading/portfolio.ts';
import { fees } from '#tests/core/trading/pure.ts';

/** A command, and what it was answered: events, or the code it was refused with. */
export interface Answered {
  command: Command;
  answer: readonly NumberedEvent[] | ErrorCode;
}

/** What all commands of a step are decided on. */
export interface Moment {
  view: MarketOf;
  /** The states of all portfolios while it lasts, one after the other. */
  globalRisks: readonly RiskState[];
}

export type MarketOf = (symbol: string) => MarketView | undefined;

/** A portfolio in memory, which the answers of those who write it must follow on, one after the other. */
export class Model {
  portfolio: Portfolio;
  readonly problems: string[] = [];

  readonly #onEvent: (type: NumberedEvent['type']) => void;

  /** @param onEvent hears of each event */
  constructor(id: string, onEvent: (type: NumberedEvent['type']) => void) {
    this.portfolio = emptyPortfolio(id);
    this.#onEvent = onEvent;
  }

  /**
   * Takes what was asked of it at one time, in the order of the events that followed: each command must have given what
   * `decide` gives on the state that the ones before it left. One that gave none must have been right at some moment
   * between the first of them and the last. Where the risk of all was switched meanwhile, it goes on by the later state.
   */
  follow(answers: readonly Answered[], { view, globalRisks }: Moment): void {
    const states = [this.portfolio];
    let risks = globalRisks;
    const [changes, rest] = [answers.filter(hasEvents), answers.filter((answered) => !hasEvents(answered))];
    for (const { command, events } of changes.map(eventsOf).sort(byNumber)) {
      const asked = asWritten(command, events);
      const is = textOf(this.portfolio.id, events);
      const decisions = risks.map((risk) =>
        decide(this.portfolio, asked, aroundOf(this.portfolio, asked, view, risk)),
      );
      const texts = decisions.map((decision) => textOfDecision(this.portfolio.id, decision));
      const at = texts.indexOf(is);
      const decision = decisions[at];
      if (decision === undefined || isRefused(decision)) {
        this.#note(command, is, texts);
        continue;
      }
      risks = risks.slice(at);
      this.portfolio = decision.portfolio;
      states.push(this.portfolio);
      for (const { type } of events) this.#onEvent(type);
    }
    for (const { command, answer } of rest) {
      const is = typeof answer === 'string' ? answer : '';
      const possible = states.flatMap((state) =>
        globalRisks.map((risk) =>
          textOfDecision(state.id, decide(state, command, aroundOf(state, command, view, risk))),
        ),
      );
      if (!possible.includes(is)) this.#note(command, is, possible);
    }
  }

  #note({ kind }: Command, is: string, wanted: readonly string[]): void {
    const instead = [...new Set(wanted)].map((text) => text || 'nothing').join(' or ');
    this.problems.push(`${kind} at event ${this.portfolio.number}: ${is || 'nothing'} instead of ${instead}`);
  }
}

function hasEvents({ answer }: Answered): boolean {
  return typeof answer !== 'string' && answer.length > 0;
}

function eventsOf({ command, answer }: Answered): { command: Command; events: readonly NumberedEvent[] } {
  return { command, events: typeof answer === 'string' ? [] : answer };
}

function byNumber(a: ReturnType<typeof eventsOf>, b: ReturnType<typeof eventsOf>): number {
  return (a.events[0]?.number ?? 0) - (b.events[0]?.number ?? 0);
}

/** A placement that is asked again has another id of the order each time: the one that was written counts. */
function asWritten(command: Command, events: readonly NumberedEvent[]): Command {
  if (command.kind !== 'place_order') return command;
  for (const event of events) {
    if (event.type === 'order_accepted') return { ...command, orderId: event.order.id };
    if (event.type === 'order_rejected') return { ...command, orderId: event.orderId };
  }
  return command;
}

function aroundOf(
  portfolio: Portfolio,
  command: Command,
  view: MarketOf,
  globalRisk: RiskState,
): Surroundings {
  const of =
    command.kind === 'place_order'
      ? command.request
      : 'orderId' in command
        ? portfolio.orders.get(command.orderId)
        : undefined;
  const market = of === undefined ? undefined : view(of.symbol);
  return { globalRisk, fees, ...(market === undefined ? {} : { market }) };
}

function textOfDecision(id: string, decision: Decision): string {
  return isRefused(decision) ? decision.refused.code : textOf(id, decision.events);
}

function textOf(id: string, events: readonly NumberedEvent[]): string {
  return events.map((event) => eventText(id, event)).join();
}
