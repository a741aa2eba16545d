import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { columnsOf } from '#core/platform/postgres/text-array.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { emptyPortfolio } from './apply.ts';
import { addChanges, noChanges, type Changes } from './changes.ts';
import { genesis } from './codec.ts';
import type { Command, MarketView, Surroundings } from './command.ts';
import { decide } from './decide.ts';
import type { NumberedEvent } from './event.ts';
import { begin, statement, type Chained, type Loaded, type StateCache } from './load.ts';
import { Answers, keysOf, type Once } from './once.ts';
import type { Portfolio } from './portfolio.ts';
import type { Session } from './session.ts';

/** What is known as commands are decided. */
export interface TradingSurroundings {
  /** The newest of a market; undefined where there is none of that name. Called within a batch: it must not wait. */
  market(source: string, symbol: string): MarketView | undefined;
  fees: Surroundings['fees'];
}

export interface Request {
  command: Command;
  once?: Once | undefined;
}

/** What is stored of a command. */
export interface Submitted {
  /** What followed from it. */
  events: readonly NumberedEvent[];
  /** As it is after them; of a replay, as it is now. */
  portfolio: Portfolio;
  /** The command was answered before, and has done nothing this time. */
  isReplay: boolean;
}

export type Outcome = { submitted: Submitted } | { refused: TicklakeError };

/** More that must hold for a batch to be written, and what is to be written with it. Its error undoes the batch. */
export type Guard = (tx: Transaction) => Promise<void>;

/** What must hold for a batch beside its commands. */
export interface BatchTerms {
  guard?: Guard | undefined;
  /** A command that is refused undoes all. */
  isWhole?: boolean | undefined;
}

export interface BatchDeps {
  surroundings: TradingSurroundings;
  cache: StateCache;
}

const write = statement('write', sqlFile(import.meta.url, 'sql/write.sql'));
const writeHoldings = statement('write_holdings', sqlFile(import.meta.url, 'sql/write-holdings.sql'));
const writePortfolios = statement('write_portfolios', sqlFile(import.meta.url, 'sql/write-portfolios.sql'));

/**
 * Decides commands in their order and writes what follows, in one transaction. Whatever it throws, nothing of it is
 * stored; only after COMMIT_UNKNOWN may it be.
 */
export async function runBatch(
  session: Session,
  requests: readonly Request[],
  { surroundings, cache }: BatchDeps,
  { guard, isWhole = false }: BatchTerms = {},
): Promise<Outcome[]> {
  try {
    const ids = new Set(requests.map(({ command }) => command.portfolioId));
    const keys = requests.flatMap(({ command, once }) => keysOf(command.portfolioId, once));
    const loaded = await begin(session, [...ids].sort(), keys, cache);
    await guard?.(session);
    const decided = new Decided(loaded, surroundings);
    const outcomes = requests.map((request) => decided.decide(request));
    const refused = outcomes.find((outcome) => 'refused' in outcome);
    if (isWhole && refused !== undefined) throw refused.refused;
    const { changes, states } = decided.changes();
    await commit(session, changes, decided.answers);
    for (const [id, state] of states) cache.set(id, state);
    return outcomes;
  } catch (error) {
    if (!session.isLost) await session.rollback();
    throw toTicklakeError(error);
  }
}

/** The portfolios of a batch as its commands are decided, one after the other. */
class Decided {
  readonly answers: Answers;
  readonly #loaded: Loaded;
  readonly #surroundings: TradingSurroundings;
  readonly #reached = new Map<string, { portfolio: Portfolio; events: NumberedEvent[] }>();

  constructor(loaded: Loaded, surroundings: TradingSurroundings) {
    this.answers = new Answers(loaded.answers);
    this.#loaded = loaded;
    this.#surroundings = surroundings;
  }

  decide({ command, once }: Request): Outcome {
    const { portfolioId } = command;
    try {
      const reached = this.#reached.get(portfolioId);
      const before = reached?.portfolio ?? this.#stored(portfolioId).portfolio;
      const answer = once === undefined ? undefined : this.answers.find(portfolioId, once);
      if (once !== undefined && answer !== undefined) {
        this.answers.add(portfolioId, once, answer);
        return { submitted: { events: answer.events, portfolio: before, isReplay: true } };
      }
      const decision = decide(before, command, this.#around(before, command));
      if ('refused' in decision) {
        const { code, message, remedy, rejectCode } = decision.refused;
        const context = rejectCode === undefined ? {} : { rejectCode };
        return { refused: new TicklakeError(code, message, { remedy, context }) };
      }
      const { events, portfolio } = decision;
      if (reached === undefined) this.#reached.set(portfolioId, { portfolio, events: [...events] });
      else {
        reached.portfolio = portfolio;
        reached.events.push(...events);
      }
      if (once !== undefined) {
        const numbers = { numberFirst: before.number + 1, numberLast: portfolio.number };
        this.answers.add(portfolioId, once, { ...numbers, events });
      }
      return { submitted: { events, portfolio, isReplay: false } };
    } catch (error) {
      return { refused: toTicklakeError(error) };
    }
  }

  changes(): { changes: Changes; states: Map<string, Chained> } {
    const changes = noChanges();
    const states = new Map<string, Chained>();
    for (const [id, { portfolio, events }] of this.#reached) {
      if (events.length > 0) states.set(id, addChanges(changes, this.#stored(id), portfolio, events));
    }
    return { changes, states };
  }

  #stored(portfolioId: string): Chained {
    const stored = this.#loaded.states.get(portfolioId);
    return stored ?? { portfolio: emptyPortfolio(portfolioId), hash: genesis };
  }

  #around(portfolio: Portfolio, command: Command): Surroundings {
    const { fees } = this.#surroundings;
    const of = marketOf(portfolio, command);
    const market = of === undefined ? undefined : this.#surroundings.market(of.source, of.symbol);
    const { globalRisk } = this.#loaded;
    return { globalRisk, fees, ...(market === undefined ? {} : { market }) };
  }
}

function marketOf(portfolio: Portfolio, command: Command): { source: string; symbol: string } | undefined {
  if (command.kind === 'place_order') return command.request;
  return 'orderId' in command ? portfolio.orders.get(command.orderId) : undefined;
}

async function commit(session: Session, changes: Changes, { added }: Answers): Promise<void> {
  const { heads, balances, orders, events, ledger, holdings, lots, lotsSold, portfolios } = changes;
  if (events.length === 0 && added.length === 0) return await session.commit([]);
  const sent = [
    session.send(write, [
      ...[...columnsOf(heads, 9), ...columnsOf(balances, 4), ...columnsOf(orders, 26)],
      ...[...columnsOf(events, 7), ...columnsOf(ledger, 5), ...columnsOf(added, 6)],
    ]),
  ];
  if (holdings.length > 0 || lotsSold.length > 0)
    sent.push(
      session.send(writeHoldings, [
        ...[...columnsOf(holdings, 7), ...columnsOf(lots, 6), ...columnsOf(lotsSold, 4)],
      ]),
    );
  if (portfolios.length > 0) sent.push(session.send(writePortfolios, columnsOf(portfolios, 4)));
  await session.commit(sent);
}
