import { setMaxListeners } from 'node:events';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { toTicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import { detectGaps } from '#pipelines/detect-gaps/detect.ts';
import { gapTasks, type GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import type { DamagedFile, TradeTaskReport } from './report.ts';
import { backfillTradeTask, type TradeOrigin } from './task.ts';

export interface TradeBring {
  exchange: Exchange;
  openArchive: () => Promise<Archive>;
  lake: Lake;
  spillDir: string;
  from: TradeOrigin;
  /** Default: the universe, and all of which something is wanted and missing. */
  symbols?: readonly string[] | undefined;
  /** Whole days that touch this time, microseconds; default from the day before until the venue's time. */
  fromUs?: number | undefined;
  toUs?: number | undefined;
  /** Says what would be brought, and writes nothing. */
  dryRun?: boolean | undefined;
  /** Tasks at a time; default 2. */
  concurrency?: number;
  /** Trades. */
  progress?: ((done: number, total: number) => void) | undefined;
  signal: AbortSignal;
}

/** Tasks are days of a market. Lists are bounded: the counts beside them are not. */
export interface TradeBringReport {
  source: string;
  tasks: number;
  done: number;
  failed: number;
  rows: number;
  filled: number;
  /** Of those done, the ones that brought nothing. */
  unchanged: number;
  fromArchive: number;
  fromRest: number;
  /** Ids of which is now known why they are not held. */
  explained: number;
  /** Ids that were missing before, and that are left. */
  wanted: number;
  missing: number;
  damaged: DamagedFile[];
  differing: number;
  differences: { symbol: string; tradeId: number }[];
  failures: { task: string; code: ErrorCode; message: string }[];
  /** Only of a dry run: what would be done. */
  plan?: { symbol: string; listing: string; day: string; missing: number }[];
}

const concurrencyDefault = 2;
const listedMax = 1_000;

/**
 * Makes trades of the markets and days wanted, and brings what of them is missing, the most valuable first. A task that
 * fails is reported, and the others go on; what was committed stays. When it is aborted, the report is of what was done.
 * @throws NOT_FOUND where nothing is wanted and no market was chosen, and what {@link detectGaps} throws.
 */
export async function bringTrades(request: TradeBring): Promise<TradeBringReport> {
  const { exchange, dryRun = false } = request;
  const tasks = await missingTasks(request);
  const wanted = tasks.reduce((sum, { count }) => sum + count, 0);
  const report: TradeBringReport = {
    ...{ source: exchange.source, tasks: tasks.length, done: 0, failed: 0, rows: 0, filled: 0, unchanged: 0 },
    ...{ fromArchive: 0, fromRest: 0, explained: 0, wanted, missing: wanted },
    ...{ damaged: [], differing: 0, differences: [], failures: [] },
  };
  if (!dryRun) {
    await runTasks(request, tasks, report);
    return report;
  }
  const plan = tasks.slice(0, listedMax).map(({ symbol, listing, period, count }) => ({
    ...{ symbol, listing, day: period, missing: count },
  }));
  return { ...report, plan };
}

/** What is asked for comes before what is missing anyway; of days that are named, only these. */
async function missingTasks(request: TradeBring): Promise<GapTask[]> {
  const { exchange, lake, symbols, fromUs, toUs, dryRun = false, signal } = request;
  const { database, metrics } = lake;
  const { source } = exchange;
  const isNamed = ({ period }: GapTask): boolean =>
    (fromUs === undefined || period >= dayOf(fromUs)) && (toUs === undefined || period <= dayOf(toUs - 1));
  const filter = { table: tableId(trades), source };
  const known = await gapTasks(database, { ...filter, ...(symbols === undefined ? {} : { symbols }) });
  const isChosen = symbols !== undefined || (await listUniverse(database, { source })).length > 0;
  if (!isChosen && known.length > 0) return known.filter(isNamed);
  const { tasks } = await detectGaps({
    ...{ exchange, database, metrics, intervals: [], trades: true, dryRun, signal },
    ...(symbols === undefined ? {} : { symbols }),
    ...(fromUs === undefined ? {} : { fromUs }),
    ...(toUs === undefined ? {} : { toUs }),
  });
  const detected = new Map(
    tasks.filter(({ table }) => table === filter.table).map((task) => [task.key, task]),
  );
  return [...detected.values(), ...known.filter(({ key }) => !detected.has(key))].filter(isNamed);
}

function dayOf(us: number): string {
  return new Date(us / 1_000).toISOString().slice(0, '2024-03-05'.length);
}

async function runTasks(
  request: TradeBring,
  tasks: readonly GapTask[],
  report: TradeBringReport,
): Promise<void> {
  const { exchange, openArchive, lake, spillDir, from, signal, progress } = request;
  const { concurrency = concurrencyDefault } = request;
  // Every request under way listens to it.
  setMaxListeners(0, signal);
  let settled = 0;
  const tell = (more: number): void => {
    settled += more;
    progress?.(settled, report.wanted);
  };
  const queue = tasks.values();
  const work = async (): Promise<void> => {
    for (const task of queue) {
      if (signal.aborted) return;
      let told = 0;
      try {
        const brought = await backfillTradeTask({
          ...{ task, from, exchange, openArchive, lake, spillDir, signal },
          progress(done) {
            tell(done - told);
            told = done;
          },
        });
        addTo(report, task, brought);
      } catch (error) {
        if (signal.aborted) return;
        const { code, message } = toTicklakeError(error);
        report.failed += 1;
        if (report.failures.length < listedMax) report.failures.push({ task: task.key, code, message });
      }
      tell(task.count - told);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function addTo(report: TradeBringReport, { symbol, count }: GapTask, brought: TradeTaskReport): void {
  report.done += 1;
  report.rows += brought.rows;
  report.fromArchive += brought.fromArchive;
  report.fromRest += brought.fromRest;
  report.explained += brought.explained;
  report.missing -= count - brought.missing;
  if (brought.rows === 0) report.unchanged += 1;
  report.differing += brought.differences;
  report.damaged.push(...brought.damaged.slice(0, listedMax - report.damaged.length));
  const room = listedMax - report.differences.length;
  report.differences.push(...brought.differing.slice(0, room).map((tradeId) => ({ symbol, tradeId })));
}
