import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#core/platform/logging.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { openSession, type Session } from './postgres-database.ts';
import { findTopic, type PostgresTopic } from './postgres-topics.ts';

export interface MembershipOptions {
  database: Database;
  group: string;
  topic: string;
  sessionTimeoutMs: number;
  /** Partitions became this member's until `ended` aborts; a failure gives everything up and joins again. */
  onGained: (topic: PostgresTopic, partitions: number[], ended: AbortSignal) => Promise<void>;
  onLost: (partitions: number[]) => void;
  onJoined: () => void;
  logger: Logger;
}

/** Beyond any partition's number: held shared by each member, so that members can count each other. */
const memberKey = 2_147_483_647;
const retryMsMax = 5_000;

/**
 * A place in a consumer group: one dedicated connection whose session holds an advisory lock per partition. Each
 * member counts the members every heartbeat and takes or gives back partitions until it has its fair share. The
 * server frees the locks when the process dies, and when it is paused longer than the session time-out.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #held = new Set<number>();
  readonly #closing = new AbortController();
  #session = new AbortController();
  #starting = false;
  #retryMs = 0;
  readonly #running: Promise<void>;
  #sessionEnded: Promise<void> = Promise.resolve();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Gives up every partition; joining again goes on by itself, without back-off. Resolves when given up. */
  async rejoin(): Promise<void> {
    this.#session.abort();
    await this.#sessionEnded;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#session.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#session = new AbortController();
      const session = this.#runSession(this.#session);
      this.#sessionEnded = session;
      await session;
      if (this.#retryMs > 0 && !this.#closing.signal.aborted) {
        const jitteredMs = this.#retryMs * (0.5 + Math.random());
        await sleep(jitteredMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }

  /** Never throws: a session that fails is logged, and sets the back-off before the next one. */
  async #runSession(ended: AbortController): Promise<void> {
    const { database, group, logger, sessionTimeoutMs } = this.#options;
    let session: Session | undefined;
    try {
      const topic = await findTopic(database, this.#options.topic);
      session = await openSession(database, `ticklake log group ${group}`, sessionTimeoutMs, (error) => {
        ended.abort(error);
      });
      const lockClass = await this.#enter(session, topic);
      this.#options.onJoined();
      while (!ended.signal.aborted) {
        await this.#heartbeat(session, topic, lockClass, ended);
        await sleep(sessionTimeoutMs / 6, undefined, { signal: ended.signal }).catch(() => undefined);
      }
      if (ended.signal.reason instanceof Error && ended.signal.reason.name !== 'AbortError') {
        throw ended.signal.reason;
      }
    } catch (error) {
      this.#retryMs = Math.min(Math.max(this.#retryMs * 2, 100), retryMsMax);
      logger.warn(
        { err: error, group, topic: this.#options.topic },
        'left the consumer group, joining again',
      );
    } finally {
      ended.abort();
      this.#lose([...this.#held]);
      this.#starting = false;
      await session?.end();
    }
  }

  async #enter(session: Session, topic: PostgresTopic): Promise<number> {
    const name = `ticklake.log.group:${this.#options.group}:${topic.incarnation}`;
    const entered = await session.rows<{ class: number }>(
      `select c.class, pg_advisory_lock_shared(c.class, $2)::text from hashtext($1) as c (class)`,
      [name, memberKey],
    );
    return entered[0]?.class ?? 0;
  }

  async #heartbeat(
    session: Session,
    topic: PostgresTopic,
    lockClass: number,
    ended: AbortController,
  ): Promise<void> {
    const seen = await session.rows<{ members: number; rank: number; topic_exists: boolean }>(membersSql, [
      lockClass,
      memberKey,
      topic.topicId,
    ]);
    const {
      members,
      rank,
      topic_exists: topicExists,
    } = seen[0] ?? { members: 1, rank: 0, topic_exists: false };
    if (!topicExists) throw new Error(`topic ${topic.topic} was deleted`);
    if (this.#starting || ended.signal.aborted) return;

    const share = Math.floor(topic.partitions / members) + (rank < topic.partitions % members ? 1 : 0);
    if (this.#held.size > share) {
      const given = [...this.#held].sort((a, b) => a - b).slice(share);
      this.#lose(given);
      await session.rows('select pg_advisory_unlock($1, p)::text from unnest($2::integer[]) p', [
        lockClass,
        given,
      ]);
    } else if (this.#held.size < share) {
      const claimed = await this.#claim(session, topic, lockClass, share - this.#held.size, rank / members);
      if (claimed.length > 0) this.#gain(topic, claimed, ended);
    }
  }

  /** Tries free partitions from this member's part of the ring on, so that members seldom try the same ones. */
  async #claim(
    session: Session,
    topic: PostgresTopic,
    lockClass: number,
    count: number,
    ringPosition: number,
  ): Promise<number[]> {
    const first = Math.floor(topic.partitions * ringPosition);
    const ring = Array.from({ length: topic.partitions }, (_, index) => (first + index) % topic.partitions);
    const wanted = ring.filter((partition) => !this.#held.has(partition));
    const claimed = await session.rows<{ partitions: number[] }>(
      'select log.claim_partitions($1, $2, $3) as partitions',
      [lockClass, wanted, count],
    );
    return claimed[0]?.partitions ?? [];
  }

  /** Not awaited by the heartbeat: the sink may take long to answer, and the session must stay alive meanwhile. */
  #gain(topic: PostgresTopic, partitions: number[], ended: AbortController): void {
    for (const partition of partitions) this.#held.add(partition);
    this.#starting = true;
    this.#options.onGained(topic, partitions, ended.signal).then(
      () => {
        if (ended.signal.aborted) return;
        this.#starting = false;
        this.#retryMs = 0;
      },
      (error: unknown) => ended.abort(error),
    );
  }

  #lose(partitions: number[]): void {
    if (partitions.length === 0) return;
    for (const partition of partitions) this.#held.delete(partition);
    this.#options.onLost(partitions);
  }
}

const membersSql = `
  with members as (
    select pid from pg_locks
    where locktype = 'advisory' and objsubid = 2 and granted
      and classid = ($1::bigint & 4294967295)::oid and objid = $2::bigint::oid
      and database = (select oid from pg_database where datname = current_database())
  )
  select greatest(count(*), 1)::integer as members,
    count(*) filter (where pid < pg_backend_pid())::integer as rank,
    exists (select from log.topics where topic_id = $3) as topic_exists
  from members`;
