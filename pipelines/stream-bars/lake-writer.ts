import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles } from '#core/lake/tables.ts';
import { backOffMs, persist } from '#core/platform/back-off.ts';
import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { appendRevisions } from '../build-candles/append.ts';

const dueSql = sqlFile(import.meta.url, 'sql/uncommitted.sql');
const madeSql = sqlFile(import.meta.url, 'sql/made.sql');
const committedSql = sqlFile(import.meta.url, 'sql/committed.sql');
const bumpBuildsSql = sqlFile(import.meta.url, 'sql/bump-builds.sql');
const pruneSql = sqlFile(import.meta.url, 'sql/prune.sql');

export interface LakeWriterOptions {
  lake: Lake;
  logger: Logger;
  metrics: Metrics;
  everyMs: number;
  spillDir: string;
}

export interface LakeWriter {
  /** Commits what is due now, with the bars that are not proven yet too. */
  drain(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  readonly failed: Promise<never>;
}

const barsMax = 20_000;
/** A bar that is not proven whole is committed when nothing has come to it for so long. */
const unprovenMs = 60_000;
const retryMsMax = 30_000;
const drainRetry = { firstMs: 100, maxMs: 2_000 };

/** Commits bars that closed to `market.candles`, now and then, many at a time. */
export function startLakeWriter(options: LakeWriterOptions): LakeWriter {
  const { logger, metrics, everyMs } = options;
  const failures = metrics.counter('ticklake_stream_lake_failures_total', 'Commits of candles that failed', [
    'code',
  ]);
  const committed = metrics.counter(
    'ticklake_stream_lake_candles_total',
    'Live candles committed to the lake',
  );
  const stopping = new AbortController();
  const running = run();
  running.catch(() => undefined);
  return {
    failed: running.then(() => new Promise<never>(() => undefined)),
    async drain(signal) {
      stopping.abort();
      await running;
      await persist(
        async () => {
          while ((await commitDue(options, 0)) >= barsMax) signal.throwIfAborted();
        },
        {
          backOff: drainRetry,
          signal,
          onFailure: (failure) =>
            logger.warn({ err: failure }, 'the last live candles were not committed; trying again'),
        },
      );
    },
    async close() {
      stopping.abort();
      await running.catch(() => undefined);
    },
  };

  async function run(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted;) {
      const waitMs = attempt === 0 ? everyMs : backOffMs(attempt, { firstMs: everyMs, maxMs: retryMsMax });
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        committed.inc(await commitDue(options, unprovenMs));
        attempt = 0;
      } catch (error) {
        const failure = toTicklakeError(error);
        failures.inc({ code: failure.code });
        if (!failure.retryable) throw failure;
        attempt += 1;
        logger.warn({ err: failure }, 'live candles were not committed to the lake, and will be');
      }
    }
  }
}

interface Uncommitted {
  source: string;
  symbol: string;
  interval: string;
  open_us: number;
  revision: number;
  listing: string;
  record: string;
}

/** Commits bars of one source after the other, at most `barsMax`; how many. */
async function commitDue({ lake, spillDir }: LakeWriterOptions, unproven: number): Promise<number> {
  const { rows } = await lake.database.query<Uncommitted>(dueSql, [unproven, barsMax]);
  for (const [source, bars] of Map.groupBy(rows, (row) => row.source)) {
    await commitBars(lake, spillDir, source, bars);
  }
  await lake.database.query(pruneSql);
  return rows.length;
}

async function commitBars(
  lake: Lake,
  spillDir: string,
  source: string,
  bars: readonly Uncommitted[],
): Promise<void> {
  const folder = join(spillDir, randomUUID());
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir: folder });
  try {
    const days = await daysOf(lake, bars);
    const path = join(folder, 'bars.ndjson');
    await writeFile(path, bars.map(({ record }) => `${record}\n`).join(''));
    await duck.run(madeSql.replace('$path', () => literal(path)));
    await readHeld(duck, lake, source, bars);
    await appendRevisions(duck, lake, {
      source,
      summary: { 'ticklake.channel': 'stream' },
      async guard(tx) {
        await bumpBuilds(tx, days);
        await tx.query(committedSql, [
          ...[bars.map((bar) => bar.source), bars.map(({ symbol }) => symbol)],
          ...[bars.map(({ interval }) => interval), bars.map((bar) => bar.open_us)],
          bars.map(({ revision }) => revision),
        ]);
      },
    });
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface BuiltDay {
  source: string;
  listing: string;
  day: string;
  builds: number;
}

/** The days the bars are of, with how often their candles were made: who makes them meanwhile is found out by it. */
async function daysOf(lake: Lake, bars: readonly Uncommitted[]): Promise<BuiltDay[]> {
  const days = new Map<string, Omit<BuiltDay, 'builds'>>();
  for (const { source, listing, open_us } of bars) {
    const day = new Date(open_us / 1_000).toISOString().slice(0, 10);
    days.set(`${listing} ${day}`, { source, listing, day });
  }
  const all = [...days.values()];
  const { rows } = await lake.database.query<BuiltDay>(
    `select source, listing, day::text as day, coalesce(builds, 0) as builds
       from unnest($1::text[], $2::text[], $3::date[]) as t(source, listing, day)
       left join lake.candle_days using (source, listing, day)`,
    [all.map(({ source }) => source), all.map(({ listing }) => listing), all.map(({ day }) => day)],
  );
  return rows;
}

async function bumpBuilds(tx: Transaction, days: readonly BuiltDay[]): Promise<void> {
  const { rowCount } = await tx.query(bumpBuildsSql, [
    ...[days.map(({ source }) => source), days.map(({ listing }) => listing)],
    ...[days.map(({ day }) => day), days.map(({ builds }) => builds)],
  ]);
  if (rowCount === days.length) return;
  throw new TicklakeError('PLAN_STALE', 'candles of the same days were made meanwhile');
}

/** Makes DuckDB's table `held` of the latest revisions of the bars in `made`. */
async function readHeld(
  duck: DuckDb,
  lake: Lake,
  source: string,
  bars: readonly Uncommitted[],
): Promise<void> {
  const opens = bars.map((bar) => bar.open_us);
  const { files } = await currentFiles(lake, candles, {
    filter: [
      { column: 'interval', op: 'in', value: [...new Set(bars.map(({ interval }) => interval))] },
      { column: 'symbol', op: 'in', value: [...new Set(bars.map(({ symbol }) => symbol))] },
      { column: 'source', op: '=', value: source },
      { column: 'open_time', op: '>=', value: opens.reduce((a, b) => Math.min(a, b)) },
      { column: 'open_time', op: '<=', value: opens.reduce((a, b) => Math.max(a, b)) },
    ],
  });
  await duck.run(
    `create or replace temp table held as
     select held.*, made.listing
       from (${latestRevisions(candles, parquetRelation(candles, files))}) held
       join made using (source, symbol, "interval", open_time)`,
  );
  // What was made whole meanwhile by a batch, which sees all that was repaired, stays.
  await duck.run(
    `create or replace temp table stale as
     select source, symbol, "interval", open_time from held
       join made using (source, symbol, "interval", open_time) where held.is_complete and not made.is_complete;
     create or replace temp table made as from made anti join stale using (source, symbol, "interval", open_time);
     create or replace temp table held as from held anti join stale using (source, symbol, "interval", open_time)`,
  );
}
