import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { EventLog, GroupConsumer, LogBatch, LogRecord } from '#core/streams/event-log.ts';
import { createKafkaLog } from '#core/streams/kafka.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';

/** Where a log lives, so that a child process can open it too. */
export type LogAddress = { kind: 'postgres'; url: string } | { kind: 'kafka'; brokers: string[] };

export interface OpenedLog {
  log: EventLog;
  metrics: Metrics;
  close(): Promise<void>;
}

/** What the contract needs of an adapter beside the port itself. */
export interface LogStore {
  address: LogAddress;
  /** Migrated; the offsets of the groups. */
  database: Database;
  deleteTopic(topic: string): Promise<void>;
  /** Makes `offset` the oldest one held, as retention does. */
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>;
  close(): Promise<void>;
}

export const testLogger = createLogger({ level: 'silent', name: 'test' });

export function openDatabaseOf(url: string): Database {
  return openDatabase({ url, applicationName: 'streams test', logger: testLogger, metrics: new Metrics() });
}

export function openLogAt(address: LogAddress): OpenedLog {
  const metrics = new Metrics();
  if (address.kind === 'kafka') {
    const log = createKafkaLog({ ...address, clientId: 'ticklake-test', logger: testLogger, metrics });
    return { log, metrics, close: async () => await log.close() };
  }
  const database = openDatabaseOf(address.url);
  const log = createPostgresLog({ database, logger: testLogger, metrics });
  const close = async () => {
    await log.close();
    await database.close();
  };
  return { log, metrics, close };
}

/** Records `<key>:<n>`, n ascending within each key, keys in turns. */
export function numberedRecords(keys: readonly string[], from: number, to: number): LogRecord[] {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  return numbers.flatMap((n) => keys.map((key) => ({ key, value: `{"key":"${key}","n":${n}}` })));
}

export function linesOf(batch: LogBatch): string[] {
  return batch.lines.toString('utf8').split('\n').slice(0, -1);
}

/** Reads from the given positions until `count` records came. */
export async function readRecords(
  log: EventLog,
  topic: string,
  from: readonly { partition: number; offset: number | 'end' }[],
  count: number,
): Promise<LogBatch[]> {
  const enough = new AbortController();
  const batches: LogBatch[] = [];
  let records = 0;
  for await (const batch of log.read({ topic, from, signal: enough.signal })) {
    batches.push(batch);
    records += batch.count;
    if (records >= count) break;
  }
  return batches;
}

/** Polls until `count` records came. */
export async function pollRecords(
  consumer: GroupConsumer,
  count: number,
  maxBytes = 1_000_000,
): Promise<LogBatch[]> {
  const batches: LogBatch[] = [];
  for (let records = 0; records < count;) {
    for (const batch of await consumer.poll(1_000, maxBytes)) {
      batches.push(batch);
      records += batch.count;
    }
  }
  return batches;
}

export interface MemberProcess {
  process: ChildProcess;
  /** Partitions it was told are its own, ascending. */
  owned(): number[];
  kill(): Promise<void>;
}

/** A member of a group in a process of its own, to be killed or paused. */
export function startMember(
  address: LogAddress,
  group: string,
  topic: string,
  sessionTimeoutMs: number,
): MemberProcess {
  const options = JSON.stringify({ address, group, topic, sessionTimeoutMs });
  const child = spawn(process.execPath, [new URL('member.ts', import.meta.url).pathname, options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let owned: number[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    owned = JSON.parse(line) as number[];
  });
  return {
    process: child,
    owned: () => owned,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
