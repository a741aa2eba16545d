import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { explainIds } from '#core/lake/coverage.ts';
import { lockTable } from '#core/lake/commit.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { fetchTrades, type Capture } from './capture.ts';

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

const gapsMax = 100;

/**
 * Asks the coverage ledger for ids that are missing between those held and brings them by REST through the log.
 * This is what mends holes that no process remembers: the ledger survives every kill. Runs until aborted.
 */
export async function repairFromLedger(options: RepairOptions, signal: AbortSignal): Promise<void> {
  const { logger } = options;
  const asked = new Map<string, number>();
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
      for (const gap of gaps) {
        const key = `${gap.listing}:${gap.lo}-${gap.hi}`;
        const now = Date.now();
        if (now - (asked.get(key) ?? 0) < options.settleMs) continue;
        if (asked.size > 10 * gapsMax) asked.clear();
        asked.set(key, now);
        await repairGap(options, gap, signal);
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'repairing from the ledger failed; trying again');
    }
  }
}

/** Unexplained gaps of one venue's trades, largest first, at most {@link gapsMax}. */
export async function openGaps(database: Database, source: string): Promise<Gap[]> {
  const { rows } = await database.query<Gap>(
    `select listing, lo, hi from lake.gaps
      where table_name = $1 and source = $2 and cause is null order by hi - lo desc limit ${gapsMax}`,
    [tableId(trades), source],
  );
  return rows;
}

async function repairGap(options: RepairOptions, gap: Gap, signal: AbortSignal): Promise<void> {
  const { exchange, capture, logger } = options;
  const symbol = gap.listing.slice(0, gap.listing.lastIndexOf('#'));
  let next = gap.lo;
  for await (const page of fetchTrades(exchange, symbol, gap.lo, gap.hi, signal)) {
    await capture.writeRepaired(page);
    for (const trade of page) {
      if (trade.tradeId > next) await explainNeverPublished(options, gap, next, trade.tradeId);
      next = trade.tradeId + 1;
    }
  }
  if (next < gap.hi) await explainNeverPublished(options, gap, next, gap.hi);
  logger.info({ ...gap, source: exchange.source }, 'fetched a gap from REST');
}

async function explainNeverPublished(
  options: RepairOptions,
  gap: Gap,
  lo: number,
  hi: number,
): Promise<void> {
  await options.database.transaction(async (tx) => {
    await lockTable(tx, tableId(trades));
    await explainIds(tx, tableId(trades), [
      {
        source: options.exchange.source,
        listing: gap.listing,
        lo,
        hi,
        cause: 'never_published',
        detail: 'REST was asked for these ids and has none of them',
      },
    ]);
  });
}
