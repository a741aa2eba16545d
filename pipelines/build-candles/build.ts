import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { symbolOf } from '#core/lake/ledger.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles } from '#core/lake/tables.ts';
import { intervals as allIntervals, type Interval } from '#core/market/interval.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { appendRevisions } from './append.ts';
import { marketOf, type DueDay, type DueGroup } from './due.ts';
import { makeCandles } from './make.ts';

const noteBuiltSql = sqlFile(import.meta.url, 'sql/note-built.sql');

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
  const appended = await appendRevisions(duck, lake, {
    source,
    summary: { 'ticklake.trades-seq': String(seq) },
    async guard(tx, counts) {
      await noteBuilt(tx, days, intervals.length === allIntervals.length ? seq : null);
      await request.finish?.(tx, { source, days: days.length, ...counts });
    },
  });
  return { source, days: days.length, ...appended };
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
    ({ listing, fromDay, day }) =>
      `when symbol = ${literal(symbolOf(listing))} and "date" between ${literal(fromDay)} and ${literal(day)}
         then ${literal(listing)}`,
  );
  await duck.run(
    `create or replace temp table held as
     select *, case ${windows.join(' ')} end as listing
       from (${latestRevisions(candles, parquetRelation(candles, files))})
      where source = ${literal(source)} and "interval" in (${intervals.map(literal).join(', ')})
        and listing is not null`,
  );
}

async function noteBuilt(tx: Transaction, days: readonly DueDay[], seq: number | null): Promise<void> {
  const { rowCount } = await tx.query(noteBuiltSql, [JSON.stringify(days), seq]);
  if (rowCount === days.length) return;
  throw new TicklakeError('PLAN_STALE', 'another build made candles of the same days meanwhile');
}
