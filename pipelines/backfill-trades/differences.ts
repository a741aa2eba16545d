import type { Json } from '@duckdb/node-api';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Coin, Tape } from './tape.ts';

const differencesSql = sqlFile(import.meta.url, 'sql/differences.sql');
const differingRunsSql = sqlFile(import.meta.url, 'sql/differing-runs.sql');
const keepSql = sqlFile(import.meta.url, 'sql/keep-differences.sql');

/** Trades that are held with another content than the source at hand has. What is held stays. */
export interface Differences {
  count: number;
  /** The first of them. */
  sample: number[];
  runs: DifferingRun[];
}

/** Consecutive trades that differ, with the contents of the first. */
interface DifferingRun {
  lo: number;
  hi: number;
  keys: number;
  held: Json;
  found: Json;
}

/** Where the other content comes from. */
export interface Origin {
  /** A file of the archive by its path there, or `rest`. */
  origin: string;
  /** Of the zip; empty for REST. */
  sha256: string;
}

export const noDifferences: Differences = { count: 0, sample: [], runs: [] };

/** Runs that are kept of one commit; what is beyond becomes one more. */
const runsMax = 10_000;
const sampleMax = 100;
const dayUs = 86_400_000_000;

/** Compares DuckDB's table `checked` with what is held of the coin; its table `held` has the ranges that are. */
export async function compareHeld(
  duck: DuckDb,
  lake: Lake,
  { source, symbol }: Coin,
  { firstUs, lastUs }: Pick<Tape, 'firstUs' | 'lastUs'>,
): Promise<Differences> {
  const firstDay = Math.floor(firstUs / dayUs);
  const days = Array.from({ length: Math.floor(lastUs / dayUs) - firstDay + 1 }, (_, i) => firstDay + i);
  const { files } = await currentFiles(lake, trades, {
    filter: [
      { column: 'source', op: '=', value: source },
      { column: 'symbol', op: '=', value: symbol },
      { column: 'date', op: 'in', value: days },
    ],
  });
  await duck.run(
    `create or replace temp view held_rows as select * from (${parquetRelation(trades, files)})
      where source = ${literal(source)} and symbol = ${literal(symbol)}
        and date between date '1970-01-01' + ${firstDay} and date '1970-01-01' + ${days.at(-1) ?? firstDay}`,
  );
  await duck.run(differencesSql);
  const [row] = await duck.rows('select count(*) as count, max(trade_id) + 1 as hi from differing');
  const count = Number(row?.['count'] ?? 0);
  if (count === 0) return noDifferences;
  const runs = (await duck.rows(differingRunsSql.replace('$runs_max', String(runsMax + 1)))).map(
    (run): DifferingRun => ({
      ...{ lo: Number(run['lo']), hi: Number(run['hi']), keys: Number(run['keys']) },
      ...{ held: parsed(run['held']), found: parsed(run['found']) },
    }),
  );
  const rest = runs[runsMax];
  if (rest !== undefined) {
    const before = runs.slice(0, runsMax).reduce((sum, { keys }) => sum + keys, 0);
    runs[runsMax] = { ...rest, hi: Number(row?.['hi']), keys: count - before };
  }
  const sample = await duck.rows(`select trade_id from differing order by trade_id limit ${sampleMax}`);
  return { count, sample: sample.map((of) => Number(of['trade_id'])), runs };
}

/** Keeps them in `lake.differences`, once for each origin; for the guard of the commit. */
export async function keepDifferences(
  tx: Transaction,
  { source, listing }: Coin,
  commitId: string,
  { origin, sha256 }: Origin,
  { runs }: Differences,
): Promise<void> {
  if (runs.length === 0) return;
  await tx.query(keepSql, [tableId(trades), source, listing, origin, sha256, commitId, JSON.stringify(runs)]);
}

function parsed(json: Json | undefined): Json {
  return typeof json === 'string' ? (JSON.parse(json) as Json) : (json ?? null);
}
