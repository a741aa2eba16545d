import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { replaceRows } from '#core/lake/replace-rows.ts';
import { orderEvents } from '#core/lake/trading-tables.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

export interface PublishedOrders {
  rows: number;
  commits: number;
}

interface Waiting {
  position: number;
  line: string;
}

const commitRows = 50_000;
const rowsSql = sqlFile(import.meta.url, 'sql/rows.sql');

/**
 * Brings what waits to `trading.order_events`, each row once: it leaves where it waits in the transaction of the commit that
 * adds it. @throws CONFLICT where another run took the same rows meanwhile
 */
export async function publishOrders(
  lake: Lake,
  spillDir: string,
  signal?: AbortSignal,
): Promise<PublishedOrders> {
  const folder = join(spillDir, `${orderEvents.name}-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir: folder });
  const published = { rows: 0, commits: 0 };
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { rows } = await lake.database.query<Waiting>(
        'select position, line from exports.order_events order by position limit $1',
        [commitRows],
      );
      if (rows.length === 0) return published;
      await commit(lake, duck, join(folder, 'rows.ndjson'), rows);
      published.rows += rows.length;
      published.commits += 1;
    }
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function commit(lake: Lake, duck: DuckDb, path: string, waiting: readonly Waiting[]): Promise<void> {
  await writeFile(path, waiting.map(({ line }) => `${line}\n`).join(''));
  await duck.run(rowsSql.replace('$path', () => literal(path)));
  await replaceRows(lake, duck, {
    ...{ commitId: randomUUID(), table: orderEvents, relation: 'rows' },
    ...{ leaving: 'false', mayLeave: () => false },
    summary: { 'ticklake.channel': 'orders' },
    guard: async (tx) => {
      const { rowCount } = await tx.query('delete from exports.order_events where position = any($1)', [
        waiting.map(({ position }) => position),
      ]);
      if (rowCount === waiting.length) return;
      throw new TicklakeError('CONFLICT', 'another run brings the same rows to the lake', {
        remedy: 'Ask again: what that one leaves is brought then.',
      });
    },
  });
}
