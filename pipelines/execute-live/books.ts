import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import {
  moveFills,
  nextFillIds,
  ownAccount,
  startFills,
  type AccountLease,
} from '#core/trading/live-account.ts';
import type { LiveStep, VenueDifference } from '#core/trading/live.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { readPortfolio } from '#core/trading/read.ts';
import type { Guard, TradingWriter } from '#core/trading/writer.ts';
import type { Bookings } from './bookings.ts';

/** What is booked of the account's portfolio; whatever is written is written under the lease, or not at all. */
export interface Books {
  portfolio(): Promise<Portfolio>;
  /** Number of the portfolio's newest event: where it stays the same, so has everything. */
  newest(): Promise<number>;
  /** By symbol: the first fill that is not booked. */
  nextFillIds(): Promise<Map<string, number>>;
  startFills(symbol: string, nextFillId: number): Promise<void>;
  /** All of the steps or none. @throws FENCED, CONFLICT, COMMIT_UNKNOWN, DATABASE_UNREACHABLE */
  book(steps: readonly LiveStep[]): Promise<readonly NumberedEvent[]>;
  /** Fills and ends, with the place in the market's fills that they lead to. */
  bookFills(symbol: string, from: number, bookings: Pick<Bookings, 'steps' | 'nextFillId'>): Promise<void>;
  /** Writes how the venue and the books differ, once; true where that was not written before. */
  report(difference: VenueDifference): Promise<boolean>;
}

export interface BooksOptions {
  database: Database;
  writer: TradingWriter;
  lease: AccountLease;
  /** Called as events have been committed, for who passes them on. */
  onBooked: () => void;
}

export function openBooks({ database, writer, lease, onBooked }: BooksOptions): Books {
  const { source, portfolioId } = lease;

  async function write(steps: readonly LiveStep[], also?: Guard): Promise<readonly NumberedEvent[]> {
    const command = { kind: 'execute_live' as const, portfolioId, atUs: Date.now() * 1_000, steps };
    const { events } = await writer.submitGuarded(command, async (tx) => {
      await ownAccount(tx, lease);
      await also?.(tx);
    });
    if (events.length > 0) onBooked();
    return events;
  }

  return {
    async portfolio() {
      const stored = await readPortfolio(database, portfolioId);
      if (stored === undefined) throw new TicklakeError('INTERNAL', `portfolio ${portfolioId} has no head`);
      return stored.portfolio;
    },
    async newest() {
      const { rows } = await database.query<{ number: number }>(
        'select number from trading.heads where portfolio_id = $1',
        [portfolioId],
      );
      return rows[0]?.number ?? 0;
    },
    nextFillIds: () => nextFillIds(database, source),
    startFills: (symbol, nextFillId) =>
      database.transaction(async (tx) => {
        await ownAccount(tx, lease);
        await startFills(tx, lease, symbol, nextFillId);
      }),
    book: (steps) => write(steps),
    async bookFills(symbol, from, { steps, nextFillId }) {
      if (steps.length === 0 && nextFillId === from) return;
      await write(steps, async (tx) => {
        if (nextFillId !== from) await moveFills(tx, lease, symbol, { from, to: nextFillId });
      });
    },
    async report(difference) {
      const { key } = difference;
      const command = {
        kind: 'report_difference' as const,
        portfolioId,
        atUs: Date.now() * 1_000,
        difference,
      };
      const once = { key: `venue_differs ${key}`, bodyHash: key };
      const { isReplay } = await writer.submit(command, once);
      if (!isReplay) onBooked();
      return !isReplay;
    },
  };
}
