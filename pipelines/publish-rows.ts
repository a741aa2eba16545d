import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceTable } from '#core/lake/replace-table.ts';
import type { LakeTable } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';

/** A small table of the lake that is what Postgres has. */
export interface PublishedTable {
  table: LakeTable;
  /**
   * Postgres' SQL for a page of rows after the one of a key (`$1` and on; null: from the first on), the most of them last:
   * each row is its `line` of JSON, and the columns of the key.
   */
  pageSql: string;
  key: readonly string[];
  /** DuckDB's SQL that makes the table `rows` of the lines in the file `$path`. */
  rowsSql: string;
  /** Where the rows come from, for the snapshot's summary. */
  channel: string;
}

export interface PublishedRows {
  rows: number;
  /** Null where the table held the same rows already. */
  snapshotId: number | null;
  unchanged: boolean;
}

const pageRows = 10_000;

/** Makes a table of the lake what Postgres has of it. One commit; where nothing changed, none. */
export async function publishRows(
  lake: Lake,
  spillDir: string,
  published: PublishedTable,
): Promise<PublishedRows> {
  const { table, rowsSql, channel } = published;
  const folder = join(spillDir, `${table.name}-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir: folder });
  try {
    const path = join(folder, 'rows.ndjson');
    await pipeline(Readable.from(linesOf(lake.database, published)), createWriteStream(path));
    await duck.run(rowsSql.replace('$path', () => literal(path)));
    const { snapshotId, unchanged } = await replaceTable(lake, duck, {
      ...{ commitId: randomUUID(), table, relation: 'rows' },
      summary: { 'ticklake.channel': channel },
    });
    const [row] = await duck.rows('select count(*) as count from rows');
    return { rows: Number(row?.['count']), snapshotId, unchanged };
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function* linesOf(
  db: Pick<Transaction, 'query'>,
  { pageSql, key }: PublishedTable,
): AsyncGenerator<string> {
  let last: Record<string, unknown> | undefined;
  for (;;) {
    const after = key.map((column) => last?.[column] ?? null);
    const { rows } = await db.query<Record<string, unknown> & { line: string }>(pageSql, [
      ...after,
      pageRows,
    ]);
    yield rows.map(({ line }) => `${line}\n`).join('');
    last = rows.at(-1);
    if (rows.length < pageRows) return;
  }
}
