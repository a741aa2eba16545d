import { signals } from '#core/lake/feature-tables.ts';
import type { Lake } from '#core/lake/lake.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { publishRows, type PublishedRows } from '../publish-rows.ts';

const pageSql = sqlFile(import.meta.url, 'sql/said.sql');
const rowsSql = sqlFile(import.meta.url, 'sql/rows.sql');

/** Makes `signals.signals` what was said, of all times. One commit; where nothing was said since, none. */
export async function publishSignals(lake: Lake, spillDir: string): Promise<PublishedRows> {
  const key = ['openTime', 'signalId'];
  return await publishRows(lake, spillDir, { table: signals, pageSql, key, rowsSql, channel: 'signals' });
}
