import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { tradesTopic } from '#core/market/topics.ts';

export interface DeadLetter {
  id: number;
  topic: string;
  partition: number;
  offset: number;
  source: string | null;
  symbol: string | null;
  tradeId: number | null;
  channel: string;
  reason: string;
  raw: string;
  refusedAt: Date;
  replayedAt: Date | null;
}

const columns = `id, topic, partition, log_offset as "offset", source, symbol, trade_id as "tradeId", channel, reason, raw,
  refused_at as "refusedAt", replayed_at as "replayedAt"`;

/** Refused records, newest first. */
export async function listDeadLetters(database: Database, limit: number): Promise<DeadLetter[]> {
  const { rows } = await database.query<DeadLetter>(
    `select ${columns} from ingest.dead_letters order by id desc limit $1`,
    [limit],
  );
  return rows;
}

/** @throws NOT_FOUND */
export async function showDeadLetter(database: Database, id: number): Promise<DeadLetter> {
  const { rows } = await database.query<DeadLetter>(
    `select ${columns} from ingest.dead_letters where id = $1`,
    [id],
  );
  const row = rows[0];
  if (row === undefined) {
    throw new TicklakeError('NOT_FOUND', `there is no dead letter ${id}`, {
      remedy: '`ticklake dead-letters list` shows them.',
    });
  }
  return row;
}

/**
 * Puts refused records on the log again, as they were: what was unknown then may be known by now. Each is judged
 * anew; a record that is accepted takes the place of its explanation in the ledger.
 */
export async function replayDeadLetters(
  database: Database,
  log: EventLog,
  ids: readonly number[],
): Promise<number> {
  const { rows } = await database.query<{ id: number; key: string; raw: string }>(
    `select id, coalesce(source || '|' || symbol, source, '') as key, raw
       from ingest.dead_letters
      where replayed_at is null and (cardinality($1::bigint[]) = 0 or id = any($1::bigint[])) order by id`,
    [ids],
  );
  if (rows.length === 0) return 0;
  await log.append(
    tradesTopic,
    rows.map(({ key, raw }) => ({ key, value: raw })),
  );
  await database.query(
    'update ingest.dead_letters set replayed_at = clock_timestamp() where id = any($1::bigint[])',
    [rows.map((row) => row.id)],
  );
  return rows.length;
}
