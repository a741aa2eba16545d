import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { positionSql, quoted, type Column, type LakeTable } from '#core/lake/tables.ts';
import type { ArchiveFile } from '#core/exchanges/binance/archive/layout.ts';

/** Ids, or open times in microseconds; half-open. */
export interface KeyRun {
  lo: number;
  hi: number;
}

export interface Difference {
  kind: 'added' | 'removed' | 'changed';
  /** Id, or open time in microseconds. */
  key: number;
  /** The row as it was held, as it is in the file. */
  was: Record<string, unknown> | null;
  is: Record<string, unknown> | null;
}

export interface Differences {
  added: number;
  removed: number;
  changed: number;
  sample: Difference[];
}

const sampleMax = 20;

/** What the file says of a row; where and when it came from is our own. */
const ownColumns = new Set([
  'symbol',
  'interval',
  'source',
  'processing_time',
  'date',
  'trade_id',
  'open_time',
]);

/**
 * Compares DuckDB's view `fresh` with what the lake holds: rows to come, rows of `withdrawn` keys that are held, and
 * rows with another content. Times are compared to the millisecond, as channels differ below it.
 */
export async function compareHeld(
  duck: DuckDb,
  lake: Lake,
  table: LakeTable,
  file: ArchiveFile,
  source: string,
  withdrawn: readonly KeyRun[],
): Promise<Differences> {
  await defineHeld(duck, lake, table, file, source);
  const key = positionSql(table);
  const gone = withdrawn.map(({ lo, hi }) => `key >= ${lo} and key < ${hi}`).join(' or ') || 'false';
  await duck.run(
    `create or replace temp table differences as
       select key, case when h.key is null then 'added' when f.key is null then 'removed' else 'changed' end as kind
         from (select ${key} as key, * from fresh) f full join (select ${key} as key, * from held_rows) h using (key)
        where h.key is null or (f.key is null and (${gone})) or (f.key is not null and not (${sameSql(table)}))`,
  );
  const counts = new Map(
    (await duck.rows('select kind, count(*) as count from differences group by kind')).map((row) => [
      String(row['kind']),
      Number(row['count']),
    ]),
  );
  const count = (kind: Difference['kind']): number => counts.get(kind) ?? 0;
  return {
    ...{ added: count('added'), removed: count('removed'), changed: count('changed') },
    sample: await sampleOf(duck, table),
  };
}

/**
 * A query of what is to be held: the file's rows, but where nothing of the content differs the row that is held, which
 * may be more precise. For `replaceSpans`, which defines `leaving`.
 */
export function restatedRelation(table: LakeTable): string {
  const key = positionSql(table);
  const columns = table.columns.map(({ name }) => quoted(name)).join(', ');
  const isSame = `f.key = h.key and ${sameSql(table)}`;
  return `(
    with f as (select ${key} as key, * from fresh), h as (select ${key} as key, * from leaving)
    select ${columns} from f anti join h on ${isSame}
    union all select ${columns} from h semi join f on ${isSame})`;
}

async function defineHeld(
  duck: DuckDb,
  lake: Lake,
  table: LakeTable,
  { symbol, interval, period }: ArchiveFile,
  source: string,
): Promise<void> {
  const { files } = await currentFiles(lake, table);
  const within = [
    `source = ${literal(source)} and symbol = ${literal(symbol)}`,
    ...(interval === undefined ? [] : [`"interval" = ${literal(interval)}`]),
    `date >= make_timestamp(${period.fromUs})::date and date < make_timestamp(${period.toUs})::date`,
  ];
  await duck.run(
    `create or replace temp view held_rows as
       select * from (${parquetRelation(table, files)}) where ${within.join(' and ')}`,
  );
}

async function sampleOf(duck: DuckDb, table: LakeTable): Promise<Difference[]> {
  const key = positionSql(table);
  const shown = contentOf(table).map(({ name }) => `${quoted(name)} := ${quoted(name)}::varchar`);
  const side = (relation: string) =>
    `(select ${key} as key, struct_pack(${shown.join(', ')}) as row from ${relation})`;
  const rows = await duck.rows(
    `select d.kind, d.key, to_json(h.row)::varchar as was, to_json(f.row)::varchar as "is"
       from (from differences order by key limit ${sampleMax}) d
       left join ${side('held_rows')} h using (key) left join ${side('fresh')} f using (key) order by d.key`,
  );
  return rows.map((row) => ({
    kind: kindOf(String(row['kind'])),
    key: Number(row['key']),
    was: parsed(row['was']),
    is: parsed(row['is']),
  }));
}

function contentOf(table: LakeTable): Column[] {
  return table.columns.filter(({ name }) => !ownColumns.has(name));
}

/** Conjunctions of equalities: DuckDB joins by hash on them, while another condition makes it compare all with all. */
function sameSql(table: LakeTable): string {
  return contentOf(table)
    .map(({ name, type }) => {
      const [f, h] = [`f.${quoted(name)}`, `h.${quoted(name)}`];
      return type === 'timestamptz' ? `epoch_ms(${f}) = epoch_ms(${h})` : `${f} = ${h}`;
    })
    .join(' and ');
}

function kindOf(text: string): Difference['kind'] {
  return text === 'added' || text === 'removed' ? text : 'changed';
}

function parsed(json: unknown): Record<string, unknown> | null {
  return typeof json === 'string' ? (JSON.parse(json) as Record<string, unknown> | null) : null;
}
