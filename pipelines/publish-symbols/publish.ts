import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceTable } from '#core/lake/replace-table.ts';
import { symbols } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const membersSql = sqlFile(import.meta.url, 'sql/members.sql');
const rowsSql = sqlFile(import.meta.url, 'sql/rows.sql');
const pageRows = 10_000;

export interface PublishedSymbols {
  rows: number;
  /** Null where the table held the same rows already. */
  snapshotId: number | null;
  unchanged: boolean;
}

/**
 * Makes `market.symbols` the universe as Postgres has it, of all venues and times: what holds, what held, and what was
 * known when. One commit; where nothing changed, none.
 */
export async function publishSymbols(lake: Lake, spillDir: string): Promise<PublishedSymbols> {
  const folder = join(spillDir, `symbols-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir: folder });
  try {
    const path = join(folder, 'members.ndjson');
    await pipeline(Readable.from(memberLines(lake.database)), createWriteStream(path));
    await duck.run(rowsSql.replace('$path', () => literal(path)));
    const { snapshotId, unchanged } = await replaceTable(lake, duck, {
      ...{ commitId: randomUUID(), table: symbols, relation: 'rows' },
      summary: { 'ticklake.channel': 'universe' },
    });
    const [row] = await duck.rows('select count(*) as count from rows');
    return { rows: Number(row?.['count']), snapshotId, unchanged };
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface MemberLine {
  source: string;
  symbol: string;
  validFrom: string;
  recordedAt: string;
  line: string;
}

async function* memberLines(db: Pick<Transaction, 'query'>): AsyncGenerator<string> {
  let last: MemberLine | undefined;
  for (;;) {
    const after = [last?.source, last?.symbol, last?.validFrom, last?.recordedAt].map((part) => part ?? null);
    const { rows } = await db.query<MemberLine>(membersSql, [...after, pageRows]);
    yield rows.map(({ line }) => `${line}\n`).join('');
    last = rows.at(-1);
    if (rows.length < pageRows) return;
  }
}
