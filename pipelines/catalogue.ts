import type { Job, JobCard } from '#core/jobs/job.ts';
import { backfillKlinesCard, backfillKlinesJob } from './backfill-klines/job.ts';
import { backfillTradesCard, backfillTradesJob } from './backfill-trades/job.ts';
import { buildCandlesCard, buildCandlesJob } from './build-candles/job.ts';
import { detectGapsCard, detectGapsJob } from './detect-gaps/job.ts';
import { discoverSymbolsCard, discoverSymbolsJob } from './discover-symbols/job.ts';
import { incidentsCard, incidentsJob } from './incidents/job.ts';
import { maintainLakeCard, maintainLakeJob } from './maintain-lake/job.ts';
import { marketHistory } from './market-history.ts';
import { reconcileCard, reconcileJob } from './reconcile/job.ts';
import { publishOrdersCard, publishOrdersJob } from './publish-orders/job.ts';
import { publishSignalsCard, publishSignalsJob } from './publish-signals/job.ts';
import { publishSymbolsCard, publishSymbolsJob } from './publish-symbols/job.ts';
import { restateArchiveCard, restateArchiveJob } from './restate-archive/job.ts';
import { runTransformsCard, runTransformsJob } from './run-transforms/job.ts';
import type { HistoryDeps } from './venue-deps.ts';
import { verifyLakeCard, verifyLakeJob } from './verify-lake/job.ts';

/** Every job, a line each: its card for who asks for it, and how it is wired for who runs it. */
const jobs: readonly { card: JobCard; wire: (deps: HistoryDeps) => Job }[] = [
  { card: discoverSymbolsCard, wire: discoverSymbolsJob },
  { card: detectGapsCard, wire: detectGapsJob },
  { card: backfillKlinesCard, wire: backfillKlinesJob },
  { card: backfillTradesCard, wire: backfillTradesJob },
  { card: buildCandlesCard, wire: buildCandlesJob },
  { card: runTransformsCard, wire: runTransformsJob },
  { card: publishSymbolsCard, wire: publishSymbolsJob },
  { card: publishSignalsCard, wire: publishSignalsJob },
  { card: publishOrdersCard, wire: publishOrdersJob },
  { card: incidentsCard, wire: incidentsJob },
  { card: reconcileCard, wire: reconcileJob },
  { card: restateArchiveCard, wire: restateArchiveJob },
  { card: maintainLakeCard, wire: maintainLakeJob },
  { card: verifyLakeCard, wire: verifyLakeJob },
];

const chains: readonly JobCard[] = [marketHistory];

/** What can be asked for: enough to enqueue, cancel and retry runs. Nothing of it does anything. */
export const jobCards: readonly JobCard[] = [...chains, ...jobs.map(({ card }) => card)];

/** The same with their code, for a worker. */
export function createJobs(deps: HistoryDeps): JobCard[] {
  return [...chains, ...jobs.map(({ wire }) => wire(deps))];
}
