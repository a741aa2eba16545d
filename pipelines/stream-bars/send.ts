import { candlesticksTopic, indicatorsTopic, signalsTopic, tradeKey } from '#core/market/topics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { EventLog } from '#core/streams/event-log.ts';

interface Unsent {
  source: string;
  symbol: string;
  record: string;
}

/** What is kept in Postgres and goes to a topic from there: which rows are not sent yet, and that some of them are. */
interface Outbox {
  topic: string;
  /** $1 is how many at most. */
  unsentSql: string;
  /** $1 are their records. A row that has changed since is not sent yet. */
  sentSql: string;
}

const outboxes: readonly Outbox[] = [
  {
    topic: signalsTopic,
    unsentSql: sqlFile(import.meta.url, 'sql/unsent-signals.sql'),
    sentSql: `update stream.signals s set sent = true
                from unnest($1::jsonb[]) as t(record) where s.signal_id = (t.record->>'signal_id')::uuid`,
  },
  {
    topic: indicatorsTopic,
    unsentSql: `select source, symbol, record::text as record from stream.indicators where not sent limit $1`,
    sentSql: `update stream.indicators i set sent = true
                from unnest($1::jsonb[]) as t(record)
               where i.source = t.record->>'source' and i.symbol = t.record->>'symbol'
                 and i."interval" = t.record->>'interval' and i.record = t.record`,
  },
  {
    topic: candlesticksTopic,
    unsentSql: `select source, symbol, (bar || jsonb_build_object('revision', revision))::text as record
                  from stream.candles where not sent order by changed_at, open_us limit $1`,
    sentSql: `update stream.candles c set sent = true
                from unnest($1::jsonb[]) as t(record)
               where c.source = t.record->>'source' and c.symbol = t.record->>'symbol'
                 and c."interval" = t.record->>'interval' and c.open_us = (t.record->>'open_us')::bigint
                 and c.revision = (t.record->>'revision')::integer`,
  },
];
const recordsMax = 5_000;

/** Sends all that is kept and not sent. A crash between sending and noting it sends it again: readers know what they have. */
export async function sendKept(database: Database, log: EventLog): Promise<void> {
  await Promise.all(outboxes.map((outbox) => sendAll(database, log, outbox)));
}

async function sendAll(database: Database, log: EventLog, outbox: Outbox): Promise<void> {
  for (;;) {
    const { rows } = await database.query<Unsent>(outbox.unsentSql, [recordsMax]);
    if (rows.length === 0) return;
    await log.append(
      outbox.topic,
      rows.map(({ source, symbol, record }) => ({ key: tradeKey(source, symbol), value: record })),
    );
    await database.query(outbox.sentSql, [rows.map(({ record }) => record)]);
    if (rows.length < recordsMax) return;
  }
}
