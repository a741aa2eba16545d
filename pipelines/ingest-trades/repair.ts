import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { explainIds } from '#core/lake/coverage.ts';
import { lockTable } from '#core/lake/commit.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { Capture } from './capture.ts';
import { fetchIds, type IdSpan } from './fetch-ids.ts';

export interface RepairOptions {
  exchange: Exchange;
  capture: Pick<Capture, 'writeRepaired'>;
  database: Database;
  logger: Logger;
  metrics: Metrics;
  /** How often the ledger is asked for gaps. */
  everyMs: number;
  /** A gap that was fetched is asked for again only after this long, as the log must carry it to the lake first. */
  settleMs: number;
}

interface Gap {
  listing: string;
  lo: number;
  hi: number;
}

interface Asked extends Gap {
  atMs: number;
}

const gapsMax = 1_000;

/**
 * Asks the coverage ledger for ids that are missing between those held and brings them by REST through the log.
 * This is what mends holes that no process remembers: the ledger survives every kill. Runs until aborted.
 */
export async function repairFromLedger(options: RepairOptions, signal: AbortSignal): Promise<void> {
  const { logger } = options;
  let asked: Asked[] = [];
  const gauge = options.metrics.gauge(
    'ticklake_ingest_gaps',
    'Unexplained gaps in what is held of this venue',
  );
  while (!signal.aborted) {
    await sleep(options.everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const gaps = await openGaps(options.database, options.exchange.source);
      gauge.set(gaps.length);
      asked = asked.filter(({ atMs }) => Date.now() - atMs < options.settleMs);
      const due = gaps.filter((gap) => !asked.some((before) => contains(before, gap)));
      for (const [listing, ofListing] of Map.groupBy(due, (gap) => gap.listing)) {
        await repairListing(options, listing, ofListing, signal);
        const atMs = Date.now();
        asked.push(...ofListing.map((gap) => ({ ...gap, atMs })));
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'repairing from the ledger failed; trying again');
    }
  }
}

/** Unexplained gaps of one venue's trades by listing and id; of more than {@link gapsMax}, the largest. */
export async function openGaps(database: Database, source: string): Promise<Gap[]> {
  const { rows } = await database.query<Gap>(
    `select * from (
       select listing, lo, hi from lake.gaps
        where table_name = $1 and source = $2 and cause is null order by hi - lo desc limit ${gapsMax}
     ) largest order by listing, lo`,
    [tableId(trades), source],
  );
  return rows;
}

/** What was asked for comes in parts: a gap within one that was asked for is what is left of it. */
function contains(asked: Gap, gap: Gap): boolean {
  return asked.listing === gap.listing && asked.lo <= gap.lo && gap.hi <= asked.hi;
}

/** Brings the gaps of one listing, as far as the venue has them. What it refuses to serve keeps no other waiting. */
async function repairListing(
  options: RepairOptions,
  listing: string,
  gaps: readonly Gap[],
  signal: AbortSignal,
): Promise<void> {
  const { exchange, capture, logger } = options;
  const symbol = listing.slice(0, listing.lastIndexOf('#'));
  const spans = gaps.map(({ lo, hi }) => ({ fromId: lo, toId: hi }));
  let fetched = 0;
  try {
    for await (const answer of fetchIds(exchange, symbol, spans, signal)) {
      if (answer.trades.length > 0) await capture.writeRepaired(answer.trades);
      await explainNeverPublished(options, listing, answer.absent);
      fetched += answer.trades.length;
    }
  } catch (error) {
    if (!isTicklakeError(error, 'EXCHANGE_REFUSED')) throw error;
    logger.warn({ err: error, listing }, 'the venue refuses to serve gaps of a market; they stay listed');
  }
  logger.info({ listing, gaps: gaps.length, fetched, source: exchange.source }, 'asked REST for gaps');
}

/** Only where the venue's tape is known to have gone past them: of ids beyond its end it may not know yet. */
async function explainNeverPublished(
  options: RepairOptions,
  listing: string,
  absent: readonly IdSpan[],
): Promise<void> {
  if (absent.length === 0) return;
  await options.database.transaction(async (tx) => {
    await lockTable(tx, tableId(trades));
    await explainIds(
      tx,
      tableId(trades),
      absent.map(({ fromId, toId }) => ({
        source: options.exchange.source,
        listing,
        lo: fromId,
        hi: toId,
        cause: 'never_published',
        detail: 'REST was asked for these ids and has later ones, but none of them',
      })),
    );
  });
}
