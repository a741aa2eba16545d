import { setMaxListeners } from 'node:events';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Lake } from '#core/lake/lake.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import type { Interval } from '#core/market/interval.ts';
import { toTicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import type { DamagedFile } from '#pipelines/backfill-trades/report.ts';
import { detectGaps } from '#pipelines/detect-gaps/detect.ts';
import { gapTasks, type GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import { bundleTasks, type Bundle } from './bundle.ts';
import type { BarReport } from './report.ts';
import type { BarOrigin } from './sources.ts';
import { backfillKlineTask } from './task.ts';

export interface BarBring {
  exchange: Exchange;
  openArchive: () => Promise<Archive>;
  lake: Lake;
  spillDir: string;
  from: BarOrigin;
  /** Default: the universe, and whatever else is wanted already. */
  symbols?: readonly string[] | undefined;
  /** Default: daily bars, and whatever else is wanted already. */
  intervals?: readonly Interval[] | undefined;
  /** Microseconds; default from the listing until the venue's time. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
  /** Says what would be brought, and writes nothing. */
  dryRun?: boolean | undefined;
  /** Commits at a time; default 2. */
  concurrency?: number;
  /** Bars. */
  progress?: ((done: number, total: number) => void) | undefined;
  signal: AbortSignal;
}

/** Tasks are a market's periods: years of daily bars, months of shorter ones. */
export interface BarBringReport extends Omit<BarReport, 'unchanged' | 'left'> {
  source: string;
  tasks: number;
  done: number;
  failed: number;
  /** Of those done, the ones of commits that found everything held as it is. */
  unchanged: number;
  /** Bars that were missing before, and that are left. */
  wanted: number;
  missing: number;
  failures: { task: string; code: ErrorCode; message: string }[];
  /** Only of a dry run: what would be committed together, and its cost: weight of REST and requests for files. */
  plan?: { what: string; tasks: number; bars: number; cost: number }[];
}

const concurrencyDefault = 2;
const listedMax = 1_000;

/**
 * Makes bars of the markets, intervals and times wanted, and brings what of them is missing, the most valuable first. A
 * commit that fails is reported, and the others go on; what was committed stays. When it is aborted, the report is of
 * what was done.
 * @throws NOT_FOUND where nothing is wanted and no market was chosen, and what {@link detectGaps} throws.
 */
export async function bringBars(request: BarBring): Promise<BarBringReport> {
  const { exchange, fromUs, toUs, dryRun = false, signal } = request;
  const tasks = await missingTasks(request);
  const bundles = bundleTasks(tasks, { fromUs, toUs, nowUs: await exchange.timeUs(signal) });
  const wanted = bundles.reduce((sum, { bars }) => sum + bars, 0);
  const report: BarBringReport = {
    source: exchange.source,
    ...{ tasks: bundles.reduce((sum, bundle) => sum + bundle.tasks, 0), done: 0, failed: 0 },
    ...{ rows: 0, filled: 0, unchanged: 0, explained: 0, wanted, missing: wanted, files: 0, answers: 0 },
    ...{ damaged: [], failures: [] },
  };
  if (!dryRun) {
    await runBundles(request, bundles, report);
    return report;
  }
  const plan = bundles.slice(0, listedMax).map(({ description, tasks: count, bars, cost }) => ({
    ...{ what: description, tasks: count, bars, cost },
  }));
  return { ...report, plan };
}

/** What is asked for comes before what is missing anyway. */
async function missingTasks(request: BarBring): Promise<GapTask[]> {
  const { exchange, lake, symbols, intervals, fromUs, toUs, dryRun = false, signal } = request;
  const { database, metrics } = lake;
  const { source } = exchange;
  const filter = { table: tableId(klines), source };
  const known = await gapTasks(database, {
    ...filter,
    ...(symbols === undefined ? {} : { symbols }),
    ...(intervals === undefined ? {} : { intervals }),
  });
  const isChosen = symbols !== undefined || (await listUniverse(database, { source })).length > 0;
  if (!isChosen && known.length > 0) return known;
  const { tasks } = await detectGaps({
    ...{ exchange, database, metrics, trades: false, dryRun, signal, intervals: intervals ?? ['1d'] },
    ...(symbols === undefined ? {} : { symbols }),
    ...(fromUs === undefined ? {} : { fromUs }),
    ...(toUs === undefined ? {} : { toUs }),
  });
  const detected = new Map(
    tasks.filter(({ table }) => table === filter.table).map((task) => [task.key, task]),
  );
  return [...detected.values(), ...known.filter(({ key }) => !detected.has(key))];
}

async function runBundles(
  request: BarBring,
  bundles: readonly Bundle[],
  report: BarBringReport,
): Promise<void> {
  const { exchange, openArchive, lake, spillDir, from: origin, signal, progress } = request;
  // Every request under way listens to it.
  setMaxListeners(0, signal);
  let settled = 0;
  const tell = (more: number): void => {
    settled += more;
    progress?.(settled, report.wanted);
  };
  const queue = bundles.values();
  const work = async (): Promise<void> => {
    for (const bundle of queue) {
      if (signal.aborted) return;
      let told = 0;
      try {
        const brought = await backfillKlineTask({
          ...{ targets: bundle.targets, origin, exchange, openArchive, lake, spillDir, signal },
          progress(done) {
            tell(done - told);
            told = done;
          },
        });
        addTo(report, bundle, brought);
        if (origin === 'archive') report.failures.push(...brought.damaged.map(asFailure));
      } catch (error) {
        if (signal.aborted) return;
        const { code, message } = toTicklakeError(error);
        report.failed += bundle.tasks;
        if (report.failures.length < listedMax) report.failures.push({ task: bundle.key, code, message });
      }
      tell(bundle.bars - told);
    }
  };
  await Promise.all(Array.from({ length: request.concurrency ?? concurrencyDefault }, work));
}

/** Where nothing else may be asked, what was in the file is not brought. */
function asFailure({ file, message }: DamagedFile): BarBringReport['failures'][number] {
  return { task: file, code: 'DATA_CORRUPT', message };
}

function addTo(report: BarBringReport, bundle: Bundle, brought: BarReport): void {
  report.done += bundle.tasks;
  report.rows += brought.rows;
  report.filled += brought.filled;
  report.explained += brought.explained;
  report.missing -= bundle.bars - brought.left;
  if (brought.unchanged) report.unchanged += bundle.tasks;
  report.files += brought.files;
  report.answers += brought.answers;
  report.damaged.push(...brought.damaged.slice(0, listedMax - report.damaged.length));
}
