import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countKeys } from '#core/lake/commit-ledger.ts';
import { commitAppend } from '#core/lake/commit.ts';
import type { IdRange } from '#core/lake/coverage.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { discardFiles, stageFiles } from '#core/lake/stage.ts';
import { candles, quoted, tableId } from '#core/lake/tables.ts';
import { intervals as allIntervals, type Interval } from '#core/market/interval.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { marketOf, type DueDay, type DueGroup } from './due.ts';
import { madeColumns, makeCandles } from './make.ts';

const revisionsSql = sqlFile(import.meta.url, 'sql/revisions.sql');
const runsSql = sqlFile(import.meta.url, 'sql/runs.sql');
const noteBuiltSql = sqlFile(import.meta.url, 'sql/note-built.sql');
const explainHolesSql = sqlFile(import.meta.url, 'sql/explain-holes.sql');

const attemptsMax = 5;
const pauseMsMax = 200;

export interface BuildRequest {
  lake: Lake;
  /** A folder for DuckDB to spill to. */
  spillDir: string;
  group: DueGroup;
  /** The newest commit of trades when the days were found due. */
  seq: number;
  intervals?: readonly Interval[] | undefined;
  /** The venue's clock: bars that end later are not closed, and none of these is made. */
  closedUs: number;
  /** What else belongs to the commit; called again when its transaction is. */
  finish?: (tx: Transaction, built: BuiltCandles) => Promise<void>;
}

export interface BuiltCandles {
  source: string;
  days: number;
  /** Bars that are new, and those that have another revision now. */
  added: number;
  revised: number;
  /** Null where all candles were as they had been. */
  commitId: string | null;
}

/**
 * Makes the candles of a group of days from the trades in the lake and appends what is new or changed, in one commit. Done
 * again, it changes nothing.
 * @throws PLAN_STALE when other builds of the same days came first every time, and what a commit throws.
 */
export async function buildCandles(request: BuildRequest): Promise<BuiltCandles> {
  const folder = join(request.spillDir, `candles-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: folder });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptBuild(duck, request);
      } catch (error) {
        const isStale = isTicklakeError(error, 'PLAN_STALE') || isTicklakeError(error, 'COVERAGE_OVERLAP');
        if (!isStale || attempt >= attemptsMax) throw error;
        await sleep(Math.random() * pauseMsMax * attempt);
      }
    }
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function attemptBuild(duck: DuckDb, request: BuildRequest): Promise<BuiltCandles> {
  const { lake, group, seq, closedUs, intervals = allIntervals } = request;
  const { source } = group;
  const days = await withBuilds(lake, group.days);
  await makeCandles(duck, lake, { days, intervals, closedUs });
  await readHeld(duck, lake, { source, days, intervals });
  await duck.run(
    revisionsSql
      .replaceAll('$columns', madeColumns.map(({ name }) => quoted(name)).join(', '))
      .replace('$computed_at', literal(new Date().toISOString())),
  );
  const { added, revised } = await runsOf(duck, source);
  const counts = { added: countKeys(added), revised: countKeys(revised) };
  const commitId = counts.added + counts.revised === 0 ? null : randomUUID();
  const built = { source, days: days.length, ...counts, commitId };
  const settle = async (tx: Transaction): Promise<void> => {
    await noteBuilt(tx, days, intervals.length === allIntervals.length ? seq : null);
    await request.finish?.(tx, built);
  };
  if (commitId === null) {
    await lake.database.transaction(settle);
    return built;
  }
  const files = await stageFiles(duck, lake.store, candles, lake.locationOf(candles), 'revisions');
  try {
    await commitAppend(lake, {
      ...{ commitId, table: candles, files, added, revised, days: [], explained: [], offsets: [] },
      summary: { 'ticklake.trades-seq': String(seq) },
      guard: async (tx) => {
        await explainHoles(tx, source, added);
        await settle(tx);
      },
    });
    return built;
  } catch (error) {
    if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
    throw error;
  }
}

/** The days with the number of their builds as it is, which comes before their candles are read. */
async function withBuilds(lake: Lake, days: readonly DueDay[]): Promise<DueDay[]> {
  const { rows } = await lake.database.query<{
    source: string;
    listing: string;
    day: string;
    builds: number;
  }>(
    `select source, listing, day::text as day, builds from lake.candle_days
      where (source, listing, day) in (select * from unnest($1::text[], $2::text[], $3::date[]))`,
    [days.map((each) => each.source), days.map((each) => each.listing), days.map((each) => each.day)],
  );
  const builds = new Map(rows.map((row) => [`${row.source} ${row.listing} ${row.day}`, row.builds]));
  return days.map((day) => ({ ...day, builds: builds.get(`${day.source} ${day.listing} ${day.day}`) ?? 0 }));
}

interface Held {
  source: string;
  days: readonly DueDay[];
  intervals: readonly Interval[];
}

/** Makes DuckDB's table `held` of the latest revisions of the days' candles. */
async function readHeld(duck: DuckDb, lake: Lake, { source, days, intervals }: Held): Promise<void> {
  const symbols = [...new Set(days.map((day) => marketOf(day).symbol))];
  const from = days.map(({ fromDay }) => fromDay).toSorted()[0] ?? '';
  const to =
    days
      .map(({ day }) => day)
      .toSorted()
      .at(-1) ?? '';
  const { files } = await currentFiles(lake, candles, {
    filter: [
      { column: 'interval', op: 'in', value: intervals },
      { column: 'symbol', op: 'in', value: symbols },
      { column: 'source', op: '=', value: source },
      { column: 'date', op: '>=', value: from },
      { column: 'date', op: '<=', value: to },
    ],
  });
  const windows = days.map(
    (day) =>
      `(symbol = ${literal(marketOf(day).symbol)} and "date" between ${literal(day.fromDay)} and ${literal(day.day)})`,
  );
  await duck.run(
    `create or replace temp table held as
     select * from (${latestRevisions(candles, parquetRelation(candles, files))})
      where source = ${literal(source)} and (${windows.join(' or ')})
        and "interval" in (${intervals.map(literal).join(', ')})`,
  );
}

/** Bars that are to be appended: those that are new, and those that have another revision now. */
async function runsOf(duck: DuckDb, source: string): Promise<{ added: IdRange[]; revised: IdRange[] }> {
  const runs = await duck.rows(runsSql);
  const ranges = (isRevised: boolean): IdRange[] =>
    runs
      .filter((run) => run['is_revised'] === isRevised)
      .map((run) => ({
        ...{ source, listing: String(run['listing']), interval: String(run['interval']) },
        ...{ lo: Number(run['lo']), hi: Number(run['hi']) },
      }));
  return { added: ranges(false), revised: ranges(true) };
}

async function noteBuilt(tx: Transaction, days: readonly DueDay[], seq: number | null): Promise<void> {
  const { rowCount } = await tx.query(noteBuiltSql, [JSON.stringify(days), seq]);
  if (rowCount === days.length) return;
  throw new TicklakeError('PLAN_STALE', 'another build made candles of the same days meanwhile');
}

async function explainHoles(tx: Transaction, source: string, added: readonly IdRange[]): Promise<void> {
  const kinds = new Map(added.map((range) => [`${range.listing} ${range.interval ?? ''}`, range]));
  await tx.query(explainHolesSql, [
    ...[tableId(candles), source],
    [...kinds.values()].map(({ listing }) => listing),
    [...kinds.values()].map(({ interval }) => interval ?? ''),
  ]);
}
