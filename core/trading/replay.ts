import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { apply, emptyPortfolio } from './apply.ts';
import { parseEvent, type StoredEvent } from './codec.ts';
import type { Portfolio } from './portfolio.ts';
import { readEvents } from './read.ts';

/** Until where events are replayed: up to a number, or those that happened up to a time; else all. */
export interface ReplayEnd {
  number?: number | undefined;
  atUs?: number | undefined;
  /** Ends the reading early; its reason is thrown. */
  signal?: AbortSignal | undefined;
}

const pageEvents = 1_000;

/** All events of a portfolio as they are stored, in their order. @throws the signal's reason once it is aborted */
export async function* storedEvents(
  db: Pick<Transaction, 'query'>,
  portfolioId: string,
  signal?: AbortSignal,
): AsyncGenerator<StoredEvent> {
  for (let after = 0; ;) {
    signal?.throwIfAborted();
    const page = await readEvents(db, portfolioId, { after, limit: pageEvents });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return;
    after = last.number;
  }
}

/**
 * The portfolio as it was after an event, from its events alone.
 * @throws NOT_FOUND where there is none, or it has no event of that number; DATA_CORRUPT where events do not follow on
 */
export async function replay(
  db: Pick<Transaction, 'query'>,
  portfolioId: string,
  end: ReplayEnd = {},
): Promise<Portfolio> {
  const { number = Number.POSITIVE_INFINITY, atUs = Number.POSITIVE_INFINITY } = end;
  let portfolio = emptyPortfolio(portfolioId);
  for await (const { text } of storedEvents(db, portfolioId, end.signal)) {
    const { event } = parseEvent(text);
    if (event.number > number || event.atUs > atUs) break;
    portfolio = following(portfolio, () => apply(portfolio, event));
  }
  if (portfolio.number === 0 || (end.number !== undefined && portfolio.number < end.number))
    throw new TicklakeError(
      'NOT_FOUND',
      portfolio.number === 0
        ? `there was no portfolio ${portfolioId} then`
        : `portfolio ${portfolioId} has ${portfolio.number} events`,
      { remedy: 'Name a portfolio by its id, and an event or a time that it has.' },
    );
  return portfolio;
}

function following(before: Portfolio, step: () => Portfolio): Portfolio {
  try {
    return step();
  } catch (error) {
    throw new TicklakeError(
      'DATA_CORRUPT',
      `portfolio ${before.id} cannot be replayed after event ${before.number}`,
      { cause: error, remedy: 'Run ticklake audit verify: it names the first event that was changed.' },
    );
  }
}
