import type { Database } from '#core/platform/postgres/database.ts';
import { rows } from './postgres-database.ts';
import type { TopicDescription } from './event-log.ts';
import { topicMissing } from './topic-errors.ts';

export interface PostgresTopic {
  topic: string;
  topicId: number;
  incarnation: string;
  partitions: number;
}

/** The topic as it is now; NOT_FOUND. */
export async function findTopic(database: Database, topic: string): Promise<PostgresTopic> {
  const sql = 'select topic_id, incarnation, partitions from log.topics where topic = $1';
  const found = await rows<{ topic_id: number; incarnation: string; partitions: number }>(database, sql, [
    topic,
  ]);
  const row = found[0];
  if (row === undefined) throw topicMissing(topic);
  return { topic, topicId: row.topic_id, incarnation: row.incarnation, partitions: row.partitions };
}

export async function describeTopic(database: Database, topic: string): Promise<TopicDescription> {
  const sql = `
    select t.incarnation, p.partition, p.start_offset, p.end_offset
    from log.topics t
    join log.partitions p using (topic_id)
    where t.topic = $1
    order by p.partition`;
  interface Row {
    incarnation: string;
    partition: number;
    start_offset: string;
    end_offset: string;
  }
  const found = await rows<Row>(database, sql, [topic]);
  const first = found[0];
  if (first === undefined) throw topicMissing(topic);
  const partitions = found.map((row) => ({
    partition: row.partition,
    startOffset: Number(row.start_offset),
    endOffset: Number(row.end_offset),
  }));
  return { incarnation: first.incarnation, partitions };
}
