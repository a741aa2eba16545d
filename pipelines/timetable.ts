import type { TimetableEntry } from '#core/jobs/scheduler.ts';
import type { Trigger } from '#core/jobs/triggers.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { buildCandlesCard } from './build-candles/job.ts';
import { detectGapsCard } from './detect-gaps/job.ts';
import { incidentsCard } from './incidents/job.ts';
import { maintainLakeCard } from './maintain-lake/job.ts';
import { marketHistory } from './market-history.ts';
import { reconcileCard } from './reconcile/job.ts';
import { publishOrdersCard } from './publish-orders/job.ts';
import { publishSignalsCard } from './publish-signals/job.ts';
import { publishSymbolsCard } from './publish-symbols/job.ts';
import { restateArchiveCard } from './restate-archive/job.ts';
import { runTransformsCard } from './run-transforms/job.ts';
import { verifyLakeCard } from './verify-lake/job.ts';

/** UTC days back of which bars shall be complete. */
const barDays = { '1d': 1_095, '1m': 2 };

/**
 * What runs by itself, and when: node-cron's expressions, in UTC. An entry that is new begins with its next tick, so
 * nothing is caught up on a new data dir.
 */
export const timetable: readonly TimetableEntry[] = [
  {
    name: 'market-history',
    // After the exchange's day has closed and its archive of the day before is usually out.
    cron: '10 2 * * *',
    job: marketHistory.name,
    params: { days: barDays },
    // What it would have brought is still missing, and one run brings it all; bars are light.
    missed: 'latest',
  },
  {
    name: 'trade-history',
    cron: '20 5 * * *',
    job: marketHistory.name,
    params: { days: { trades: 2 } },
    // Millions of trades of every market: too much for a start, and the next night's asks for the day before as well.
    missed: 'skip',
  },
  {
    name: 'detect-gaps',
    cron: '25 * * * *',
    job: detectGapsCard.name,
    params: { intervals: [], days: barDays },
    // The next hour's looks at the same windows.
    missed: 'skip',
  },
  {
    name: 'build-candles',
    // Soon after the day is over, and within the hour for days whose trades are mended later.
    cron: '50 * * * *',
    job: buildCandlesCard.name,
    // What was due then is due at the next look.
    missed: 'skip',
  },
  {
    name: 'run-transforms',
    // After the candles of the hour. Where nothing has changed, it ends at once.
    cron: '57 * * * *',
    job: runTransformsCard.name,
    // What has changed since is made at the next look.
    missed: 'skip',
  },
  {
    name: 'publish-signals',
    cron: '13 * * * *',
    job: publishSignalsCard.name,
    // Each time publishes all that was said.
    missed: 'skip',
  },
  {
    name: 'publish-orders',
    cron: '43 * * * *',
    job: publishOrdersCard.name,
    // The next hour's adds all that waits.
    missed: 'skip',
  },
  {
    name: 'incidents',
    cron: '35 * * * *',
    job: incidentsCard.name,
    // The next look reaches back over the same days.
    missed: 'skip',
  },
  {
    name: 'restate-archive',
    cron: '15 4 * * *',
    job: restateArchiveCard.name,
    // It asks about the files whose check is the longest ago: the next day's goes on from there.
    missed: 'skip',
  },
  {
    name: 'reconcile',
    cron: '30 5 * * *',
    job: reconcileCard.name,
    // All that is held is compared each time.
    missed: 'skip',
  },
  {
    name: 'maintain-lake',
    // After the night's backfills, which leave small files, and before the day.
    cron: '5 6 * * *',
    job: maintainLakeCard.name,
    // What is old today is old tomorrow.
    missed: 'skip',
  },
  {
    name: 'verify-lake',
    cron: '40 3 * * *',
    job: verifyLakeCard.name,
    // It reads all files: better at the quiet hour of the next day than at start.
    missed: 'skip',
  },
];

/** What runs because something has happened. Marks are there before the first time: else that would go unseen. */
export const triggers: readonly Trigger[] = [
  {
    // The stream commits all the time: its days are built when they are over, by the clock.
    name: 'trades-brought',
    job: buildCandlesCard.name,
    params: () => ({}),
    mark: newestHistoryOfTrades,
  },
  {
    name: 'universe-chosen',
    job: publishSymbolsCard.name,
    params: () => ({}),
    mark: newestDiscovery,
  },
];

/** The last time that a universe was chosen. */
async function newestDiscovery(tx: Transaction): Promise<string | undefined> {
  const { rows } = await tx.query<{ id: string }>(
    'select coalesce(max(discovery_id), 0)::text as id from universe.discoveries',
  );
  return rows[0]?.id;
}

/** The last commit of trades that did not come from the log. */
async function newestHistoryOfTrades(tx: Transaction): Promise<string> {
  const { rows } = await tx.query<{ commit_id: string }>(
    `select commit_id from lake.commits
      where table_name = $1 and offsets = '[]' and ids_added + ids_removed > 0
      order by committed_at desc limit 1`,
    [tableId(trades)],
  );
  return rows[0]?.commit_id ?? 'none';
}
