import { randomUUID } from 'node:crypto';
import { commitAppend } from '#core/lake/commit.ts';
import { heldWithin, type Explanation } from '#core/lake/coverage.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { discardFiles, stageFiles } from '#core/lake/stage.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Channel } from '#core/market/trade.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { compareHeld, keepDifferences, noDifferences, type Differences, type Origin } from './differences.ts';
import { explainOpened } from './not-requested.ts';
import { acceptNew, type Coin, type Tape } from './tape.ts';

export interface TapeCommit {
  coin: Coin;
  /** What DuckDB's table `checked` holds. */
  tape: Tape;
  channel: Channel;
  origin: Origin;
  /** Why other ids of the coin are not held. */
  explained?: readonly Explanation[];
  /** Whether ids between what was held before and these are expected too; else they were not asked for. */
  expectsBetween?: boolean;
  /** What is said in the same transaction. */
  guard?: (tx: Transaction, done: CommittedTape) => Promise<void>;
}

export interface CommittedTape {
  commitId: string;
  /** Trades that became held. */
  rows: number;
  differences: Differences;
}

const attemptsMax = 10;

/**
 * Commits those trades of DuckDB's table `checked` that are not held; those that are, are compared and stay. Where
 * another commit brings some of them meanwhile, they are left out and the rest is staged again.
 * @throws COVERAGE_OVERLAP when others were first each time, and what a commit throws.
 */
export async function commitTape(duck: DuckDb, lake: Lake, request: TapeCommit): Promise<CommittedTape> {
  const { coin, tape, channel, origin, explained = [], expectsBetween = false, guard } = request;
  const { source, listing } = coin;
  const span = { source, listing, lo: tape.runs[0]?.from ?? 0, hi: tape.runs.at(-1)?.to ?? 0 };
  const restaged = lake.metrics.counter(
    'ticklake_backfill_trades_restaged_total',
    'Tapes staged again, as another commit had brought some of their trades',
  );
  for (let attempt = 1; ; attempt++) {
    const held = await heldWithin(lake.database, tableId(trades), [span]);
    const { added, days } =
      tape.trades === 0 ? { added: [], days: [] } : await acceptNew(duck, coin, tape, held);
    const differences = held.length === 0 ? noDifferences : await compareHeld(duck, lake, coin, tape);
    const files =
      added.length === 0
        ? []
        : await stageFiles(duck, lake.store, trades, lake.locationOf(trades), 'accepted');
    const commitId = randomUUID();
    const rows = added.reduce((sum, { lo, hi }) => sum + hi - lo, 0);
    const done = { commitId, rows, differences };
    try {
      await commitAppend(lake, {
        ...{ commitId, table: trades, files, added, days, explained, offsets: [] },
        summary: { 'ticklake.channel': channel },
        async guard(tx) {
          await keepDifferences(tx, coin, commitId, origin, differences);
          await guard?.(tx, done);
          if (!expectsBetween) await explainOpened(tx, coin, tape, added);
        },
      });
      count(lake, channel, done);
      return done;
    } catch (error) {
      if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
      if (!isTicklakeError(error, 'COVERAGE_OVERLAP') || attempt >= attemptsMax) throw error;
      restaged.inc();
    }
  }
}

function count({ metrics }: Lake, channel: Channel, { rows, differences }: CommittedTape): void {
  metrics
    .counter('ticklake_backfill_trades_total', 'Trades that backfills brought, by where from', ['channel'])
    .inc({ channel }, rows);
  metrics
    .counter('ticklake_backfill_differences_total', 'Held trades of which another source says otherwise')
    .inc(differences.count);
}
