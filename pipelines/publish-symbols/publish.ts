import type { Lake } from '#core/lake/lake.ts';
import { symbols } from '#core/lake/tables.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { publishRows, type PublishedRows } from '../publish-rows.ts';

const pageSql = sqlFile(import.meta.url, 'sql/members.sql');
const rowsSql = sqlFile(import.meta.url, 'sql/rows.sql');

/**
 * Makes `market.symbols` the universe as Postgres has it, of all venues and times: what holds, what held, and what was
 * known when. One commit; where nothing changed, none.
 */
export async function publishSymbols(lake: Lake, spillDir: string): Promise<PublishedRows> {
  const key = ['source', 'symbol', 'validFrom', 'recordedAt'];
  return await publishRows(lake, spillDir, { table: symbols, pageSql, key, rowsSql, channel: 'universe' });
}
