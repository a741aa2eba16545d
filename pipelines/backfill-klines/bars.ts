import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { IdRange } from '#core/lake/coverage.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';

const checkSql = sqlFile(import.meta.url, 'sql/check.sql');
const acceptedSql = sqlFile(import.meta.url, 'sql/accepted.sql');
const fileRunsSql = sqlFile(import.meta.url, 'sql/file-runs.sql');
const runsSql = sqlFile(import.meta.url, 'sql/runs.sql');

/** Bars as text on this machine, in the columns of the archive's files. */
export interface BarFile {
  csvPath: string;
  symbol: string;
  interval: Interval;
  /** Bars outside are a fault of the file. */
  period: { fromUs: number; toUs: number };
  timeUnit: 'ms' | 'us';
  hasHeader: boolean;
}

/** Bars of one coin that are asked for: open times in microseconds, half-open. */
export interface BarSpan {
  symbol: string;
  listing: string;
  interval: Interval;
  lo: number;
  hi: number;
}

/** A file with a bar that cannot be: the first such line, why, and how many there are. */
export interface FaultyFile {
  fileNo: number;
  line: number;
  reason: string;
  faults: number;
}

/**
 * Makes DuckDB's table `accepted` of the bars in files that lie in the spans and end by `nowUs`; nothing of a file with a
 * bar that cannot be. Files are numbered as they come.
 */
export async function acceptBars(
  duck: DuckDb,
  files: readonly BarFile[],
  asked: { source: string; spans: readonly BarSpan[]; nowUs: number },
): Promise<FaultyFile[]> {
  await duck.run(
    `create or replace temp macro exact(t) as
       case when not contains(t, '.') or length(t) - strpos(t, '.') <= 8
            then coalesce(try_cast(t as decimal(18,8))::decimal(38,18), try_cast(t as decimal(38,18)))
            when length(t) - strpos(t, '.') <= 18 then try_cast(t as decimal(38,18)) end`,
  );
  await duck.run(
    `create or replace temp table fetched as from (values ${files.map(valuesOf).join(', ')})
       t(csv_path, symbol, "interval", file_no, step_us, from_us, to_us, scale, has_header)`,
  );
  const spans = asked.spans.map(
    ({ symbol, interval, listing, lo, hi }) =>
      `(${[symbol, interval, listing].map(literal).join(', ')}, ${lo}, ${hi})`,
  );
  await duck.run(
    `create or replace temp table asked as from (values ${spans.join(', ')}) t(symbol, "interval", listing, lo, hi)`,
  );
  await duck.run(
    `create or replace temp table venue as
       select ${literal(asked.source)} as source, ${asked.nowUs}::bigint as now_us`,
  );
  const paths = `[${files.map(({ csvPath }) => literal(csvPath)).join(', ')}]`;
  await duck.run(checkSql.replace('$paths', () => paths));
  await duck.run(acceptedSql);
  return await faultyFiles(duck);
}

function valuesOf(
  { csvPath, symbol, interval, period, timeUnit, hasHeader }: BarFile,
  fileNo: number,
): string {
  const texts = [csvPath, symbol, interval].map(literal).join(', ');
  const scale = timeUnit === 'ms' ? 1_000 : 1;
  return `(${texts}, ${fileNo}, ${intervalUs(interval)}, ${period.fromUs}, ${period.toUs}, ${scale}, ${hasHeader})`;
}

async function faultyFiles(duck: DuckDb): Promise<FaultyFile[]> {
  const rows = await duck.rows(
    `select file_no, min(line) as line, arg_min(refused, line) as reason, count(*) as faults
       from checked where refused is not null group by file_no order by file_no`,
  );
  return rows.map((row) => ({
    ...{ fileNo: Number(row['file_no']), line: Number(row['line']) },
    ...{ reason: String(row['reason']), faults: Number(row['faults']) },
  }));
}

/** Runs of neighbouring bars that were accepted of each file, by its number; none of a file of which nothing was. */
export async function acceptedOfFiles(duck: DuckDb): Promise<Map<number, (Range & { bars: number })[]>> {
  const runs = Map.groupBy(await duck.rows(fileRunsSql), (row) => Number(row['file_no']));
  return new Map(
    [...runs].map(([fileNo, rows]) => [
      fileNo,
      rows.map((row) => ({ from: Number(row['lo']), to: Number(row['hi']), bars: Number(row['bars']) })),
    ]),
  );
}

/** Runs of neighbouring bars in a relation with the columns of `accepted`, by coin and interval. */
export async function runsIn(duck: DuckDb, relation: string, source: string): Promise<IdRange[]> {
  const rows = await duck.rows(runsSql.replace('$bars', () => relation));
  return rows.map((row) => ({
    ...{ source, listing: String(row['listing']), interval: String(row['interval']) },
    ...{ lo: Number(row['lo']), hi: Number(row['hi']) },
  }));
}
