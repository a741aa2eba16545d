import { join } from 'node:path';
import type { DuckDb } from '#core/lake/duckdb.ts';
import { literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { quoted } from '#core/lake/tables.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { warmUpBars } from './marts.ts';
import { isDue, type BarRange, type MartPlan, type Plan, type SourceVersion } from './plan.ts';

/** The database that dbt works in. Its name is the one that the rendered SQL has for where relations are. */
export function workFile(folder: string): string {
  return join(folder, 'memory.duckdb');
}

/**
 * Makes the database that dbt works in, with the sources as tables: those bars of the planned snapshots that the marts'
 * rows are made of. From then on nothing of the lake is read. Answers how many bars they are.
 */
export async function writeInputs(lake: Lake, duck: DuckDb, folder: string, plan: Plan): Promise<number> {
  const { whole, ranges } = barsWanted(plan);
  await duck.run(`attach ${literal(workFile(folder))} as work`);
  const release = await lake.leases.hold();
  try {
    await duck.run(
      `create or replace temp table input_ranges (source varchar, symbol varchar, "interval" varchar, lo bigint, hi bigint)`,
    );
    await insertRanges(duck, 'input_ranges', ranges);
    let bars = 0;
    for (const source of plan.sources) bars += await writeSource(lake, duck, source, whole, ranges);
    return bars;
  } finally {
    release();
    await duck.run('detach work');
  }
}

/** Which bars the rows to be made are made of: all of some intervals, and of others ranges. */
export function barsWanted(plan: Plan): { whole: ReadonlySet<Interval>; ranges: BarRange[] } {
  const due = plan.marts.filter(isDue);
  const whole = new Set(due.flatMap((each) => [...each.whole]));
  return { whole, ranges: due.flatMap(inputRanges).filter(({ interval }) => !whole.has(interval)) };
}

/** Puts ranges of bars into a DuckDB table of source, symbol, interval, lo and hi. */
export async function insertRanges(duck: DuckDb, table: string, ranges: readonly BarRange[]): Promise<void> {
  for (let i = 0; i < ranges.length; i += rangesPerStatement) {
    const rows = ranges
      .slice(i, i + rangesPerStatement)
      .map(
        ({ source, symbol, interval, lo, hi }) =>
          `(${[source, symbol, interval].map(literal).join(', ')}, ${lo}, ${hi})`,
      );
    await duck.run(`insert into ${table} values ${rows.join(', ')}`);
  }
}

const rangesPerStatement = 1_000;

/** The bars that the rows to be made are made of. */
function inputRanges({ mart, ranges }: MartPlan): BarRange[] {
  return ranges.map((range) => ({
    ...range,
    lo: range.lo - warmUpBars * intervalUs(range.interval),
    hi: range.hi + mart.barsAhead * intervalUs(range.interval),
  }));
}

async function writeSource(
  lake: Lake,
  duck: DuckDb,
  { table, snapshotId }: SourceVersion,
  whole: ReadonlySet<Interval>,
  ranges: readonly BarRange[],
): Promise<number> {
  const parts: string[] = [];
  const intervals = new Set([...whole, ...ranges.map(({ interval }) => interval)]);
  for (const interval of snapshotId === null ? [] : intervals) {
    const times = whole.has(interval) ? [] : ranges.filter((range) => range.interval === interval);
    const { files } = await currentFiles(lake, table, {
      ...(snapshotId === null ? {} : { snapshotId }),
      filter: [
        { column: 'interval', op: '=', value: interval },
        ...(times.length === 0
          ? []
          : [
              { column: 'open_time', op: '>=' as const, value: Math.min(...times.map(({ lo }) => lo)) },
              { column: 'open_time', op: '<' as const, value: Math.max(...times.map(({ hi }) => hi)) },
            ]),
      ],
    });
    if (files.length === 0) continue;
    parts.push(
      `select * from (${parquetRelation(table, files)}) as bars
        where "interval" = ${literal(interval)} ${whole.has(interval) ? '' : `and ${isWithin('bars', 'input_ranges')}`}`,
    );
  }
  const rows = parts.length === 0 ? parquetRelation(table, []) : parts.join(' union all by name ');
  await duck.run(`create schema if not exists work.${quoted(table.namespace)}`);
  const name = `work.${quoted(table.namespace)}.${quoted(table.name)}`;
  await duck.run(`create table ${name} as ${latestRevisions(table, rows)}`);
  const [count] = await duck.rows(`select count(*) as count from ${name}`);
  return Number(count?.['count']);
}

/** SQL of whether a row of bars is within the ranges of a table. */
export function isWithin(bars: string, ranges: string): string {
  return `exists (select 1 from ${ranges} r
                   where r.source = ${bars}.source and r.symbol = ${bars}.symbol and r."interval" = ${bars}."interval"
                     and epoch_us(${bars}.open_time) >= r.lo and epoch_us(${bars}.open_time) < r.hi)`;
}
