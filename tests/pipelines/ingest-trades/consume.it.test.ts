import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitAppend } from '#core/lake/commit.ts';
import { query } from '#core/lake/engine.ts';
import { coverage, gaps } from '#core/lake/ledger.ts';
import { trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { claimOffsets } from '#core/streams/offsets.ts';
import type { LogRecord } from '#core/streams/event-log.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { lakeGroup } from '#pipelines/ingest-trades/group.ts';
import { ingestReport, ingestTotals } from '#pipelines/ingest-trades/report.ts';
import {
  knowSymbols,
  openTestLake,
  recordOf,
  tradeOf,
  tradeRecords,
  type TestLake,
} from '#tests/support/lake.ts';

let lake: TestLake;
const symbol = 'BTCUSDT';

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

/** A venue of its own for each test, so that one lake serves all. */
async function venue(): Promise<string> {
  const source = `venue-${randomUUID().slice(0, 8)}`;
  await knowSymbols(lake.database, source, [symbol, 'ETHUSDT']);
  return source;
}

async function ingest(...appends: LogRecord[][]): Promise<void> {
  for (const records of appends) await lake.log.append(tradesTopic, records);
  const consumer = await lake.startConsumer();
  await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
  await consumer.close();
}

async function heldIds(source: string): Promise<number[]> {
  const { rows } = await query(
    lake.lake,
    `select trade_id from market.trades where source = '${source}' and symbol = '${symbol}' order by trade_id`,
    { spillDir: lake.spillDir },
  );
  return rows.map((row) => Number(row['trade_id']));
}

async function deadLetters(source: string): Promise<{ reason: string; trade_id: number | null }[]> {
  const { rows } = await lake.database.query<{ reason: string; trade_id: number | null }>(
    'select reason, trade_id from ingest.dead_letters where source = $1 order by id',
    [source],
  );
  return rows;
}

function ids(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

async function expectProven(): Promise<void> {
  const verdict = await verifyTable(lake.lake, trades, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(
    verdict.listings.filter((listing) => listing.inFiles !== listing.held || listing.duplicates > 0),
  ).toEqual([]);
}

/** The lake's database as it is to a committer whose COMMIT answer is lost, and who then finds Postgres away. */
function losingAnswers(): Database {
  const { database } = lake;
  let transactions = 0;
  return {
    ...database,
    async transaction(work) {
      transactions++;
      if (transactions === 2) throw new TicklakeError('DATABASE_UNREACHABLE', 'Postgres is starting again');
      const result = await database.transaction(work);
      if (transactions === 1) throw new TicklakeError('COMMIT_UNKNOWN', 'the connection broke during COMMIT');
      return result;
    },
  };
}

describe('a batch of trades', () => {
  test('is in the lake once, its coverage one range', async () => {
    const source = await venue();
    await ingest(tradeRecords(source, symbol, 100, 3_100));
    expect(await heldIds(source)).toEqual(ids(100, 3_100));
    expect(await coverage(lake.lake, { source })).toMatchObject([
      { symbol, lo: 100, hi: 3_100, held: 3_000, missing: 0, explained: 0 },
    ]);
    await expectProven();
  });

  test('whose COMMIT answer is lost stays whole when Postgres cannot be asked at once', async () => {
    const source = await venue();
    await lake.log.append(tradesTopic, tradeRecords(source, symbol, 0, 2_000));
    const consumer = await lake.startConsumer({ lake: { ...lake.lake, database: losingAnswers() } });
    await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
    await consumer.close();
    expect(await heldIds(source)).toEqual(ids(0, 2_000));
    await expectProven();
  });

  test('keeps decimals whole, also those beyond eighteen digits or eight places', async () => {
    const source = await venue();
    const trade = {
      ...tradeOf(source, symbol, 7),
      price: '0.000000000123456789',
      volume: '12345678901234567890.5',
    };
    await ingest([recordOf(trade)]);
    const { rows } = await query(
      lake.lake,
      `select price, volume, side, epoch_us(timestamp) as us from market.trades where source = '${source}'`,
      { spillDir: lake.spillDir },
    );
    expect(rows).toEqual([
      {
        price: '0.000000000123456789',
        volume: '12345678901234567890.500000000000000000',
        side: trade.side,
        us: String(trade.timestampUs),
      },
    ]);
  });

  test('drops ids that stand in it twice or are held already', async () => {
    const source = await venue();
    const records = tradeRecords(source, symbol, 0, 50);
    await ingest([...records, ...records.slice(10, 20)]);
    await ingest(records.slice(40), tradeRecords(source, symbol, 45, 60, 'rest'));
    expect(await heldIds(source)).toEqual(ids(0, 60));
    expect(await deadLetters(source)).toEqual([]);
    await expectProven();
  });

  test('of duplicates only makes no snapshot but moves its offsets', async () => {
    const source = await venue();
    await ingest(tradeRecords(source, symbol, 0, 20));
    const before = await ingestTotals(lake.database, lake.log);
    await ingest(tradeRecords(source, symbol, 0, 20));
    const report = ingestReport(before, await ingestTotals(lake.database, lake.log), 0);
    expect(report).toMatchObject({
      tradesReceived: 20,
      duplicatesDropped: 20,
      committedFromStream: 0,
      commits: 1,
    });
    const { rows } = await lake.database.query<{ snapshot_id: number | null }>(
      'select snapshot_id from lake.commits order by committed_at desc limit 1',
    );
    expect(rows).toEqual([{ snapshot_id: null }]);
  });

  test('refuses the same id with other content, and says so', async () => {
    const source = await venue();
    const first = tradeOf(source, symbol, 5);
    await ingest([
      recordOf(first),
      recordOf({ ...first, timestampUs: first.timestampUs + 400 }),
      recordOf({ ...first, price: '2.00' }),
    ]);
    expect(await heldIds(source)).toEqual([5]);
    expect(await deadLetters(source)).toEqual([
      { reason: 'differs from the first record with its id in the batch', trade_id: 5 },
    ]);
    expect(await gaps(lake.lake, { source })).toEqual([]);
  });
});

describe('records that are wrong', () => {
  const wrong: [name: string, reason: string, change: Record<string, unknown>][] = [
    ['no price', 'price is not a decimal of at most 18 places', { price: null }],
    ['NaN', 'price is not a decimal of at most 18 places', { price: 'NaN' }],
    ['an exponent', 'price is not a decimal of at most 18 places', { price: '1.25e-7' }],
    ['too many places', 'volume is not a decimal of at most 18 places', { volume: '0.1234567890123456789' }],
    ['a price of zero', 'price is not positive', { price: '0.00000000' }],
    ['a negative volume', 'volume is not positive', { volume: '-1' }],
    ['no side', 'side is neither buy nor sell', { side: 'BUY' }],
    ['an ancient time', 'timestamp is out of range', { timestamp_us: 1 }],
    ['a future time', 'timestamp is out of range', { timestamp_us: 9_000_000_000_000_000 }],
    ['a time that is none', 'timestamp is not a whole number of microseconds', { timestamp_us: 'noon' }],
    ['an unknown symbol', 'unknown symbol', { symbol: 'NOPEUSDT' }],
    ['a fractional id', 'trade id is not a whole number of 0 or more', { trade_id: 1.5 }],
    ['a negative id', 'trade id is not a whole number of 0 or more', { trade_id: -4 }],
  ];

  test.each(wrong)('%s is refused: %s', async (_name, reason, change) => {
    const source = await venue();
    const good = tradeRecords(source, symbol, 0, 3);
    const canonical = JSON.parse(recordOf(tradeOf(source, symbol, 3)).value) as Record<string, unknown>;
    await ingest([...good, { key: source, value: JSON.stringify({ ...canonical, ...change }) }]);
    expect(await heldIds(source)).toEqual([0, 1, 2]);
    expect((await deadLetters(source)).map((letter) => letter.reason)).toEqual([reason]);
  });

  test('that are no JSON keep their place: each is a dead letter at its own offset', async () => {
    const source = await venue();
    const before = await lake.log.describe(tradesTopic);
    const key = recordOf(tradeOf(source, symbol, 0)).key;
    const garbage = ['', '[1,2]', 'garbage', '{"a":', '42', '"text"'].map((value) => ({ key, value }));
    const good = tradeRecords(source, symbol, 0, 4);
    await ingest([...good.slice(0, 2), ...garbage, ...good.slice(2)]);
    expect(await heldIds(source)).toEqual([0, 1, 2, 3]);
    const moved = (await lake.log.describe(tradesTopic)).partitions.find(
      (partition, index) => partition.endOffset !== before.partitions[index]?.endOffset,
    );
    const start = before.partitions[moved?.partition ?? -1]?.endOffset ?? Number.NaN;
    const { rows } = await lake.database.query<{ log_offset: number }>(
      'select log_offset from ingest.dead_letters where partition = $1 and log_offset >= $2 order by log_offset',
      [moved?.partition, start],
    );
    expect(rows.map((row) => row.log_offset)).toEqual(ids(start + 2, start + 8));
  });

  test('only: no snapshot, every one in dead letters, the ids explained until a good record comes', async () => {
    const source = await venue();
    await ingest(tradeRecords(source, symbol, 0, 2), tradeRecords(source, symbol, 3, 5));
    await ingest([recordOf({ ...tradeOf(source, symbol, 2), price: '-1' })]);
    expect(await gaps(lake.lake, { source })).toMatchObject([
      { from: 2, to: 3, kind: 'explained', cause: 'quarantined' },
    ]);
    await ingest(tradeRecords(source, symbol, 2, 3, 'rest'));
    expect(await gaps(lake.lake, { source })).toEqual([]);
    expect(await heldIds(source)).toEqual(ids(0, 5));
  });
});

/** How often a worker has taken a partition. */
async function claims(): Promise<number> {
  const { rows } = await lake.database.query<{ claims: number }>(
    'select coalesce(sum(owner_epoch), 0)::integer as claims from log.offsets where consumer_group = $1',
    [lakeGroup],
  );
  return rows[0]?.claims ?? 0;
}

describe('the commit', () => {
  test('of a zombie that holds an old epoch is refused, and nothing of it stays', async () => {
    const source = await venue();
    const { incarnation, partitions } = await lake.log.describe(tradesTopic);
    const before = await claims();
    const consumer = await lake.startConsumer({ batchMs: 60_000 });
    await lake.log.append(tradesTopic, tradeRecords(source, symbol, 0, 10));
    // Another worker takes the partitions while the first still gathers its batch.
    await expect.poll(claims, { timeout: 30_000 }).toBeGreaterThanOrEqual(before + partitions.length);
    await claimOffsets(
      lake.database,
      lakeGroup,
      partitions.map(({ partition }) => ({ topic: tradesTopic, partition, incarnation })),
    );
    await Promise.race([consumer.drained(AbortSignal.timeout(30_000)), consumer.failed]);
    await consumer.close();
    expect(await heldIds(source)).toEqual(ids(0, 10));
    expect(await lake.metrics.registry.getSingleMetricAsString('ticklake_ingest_fenced_total')).toMatch(
      / [1-9]\d*$/m,
    );
    await expectProven();
  });

  test('whose answer is lost is found by its id and not made again', async () => {
    const source = await venue();
    await lake.log.append(tradesTopic, tradeRecords(source, symbol, 0, 10));
    const cut = cutAtCommit(lake, 1);
    const lost = { ...lake.lake, database: cut.database };
    const outcome = await commitAppend(lost, {
      commitId: randomUUID(),
      table: trades,
      files: [],
      added: [],
      days: [],
      explained: [{ source, listing: `${symbol}#1`, lo: 0, hi: 1, cause: 'test', detail: 'lost answer' }],
      offsets: [],
      summary: {},
      guard: () => Promise.resolve(),
    });
    expect(outcome).toEqual({ snapshotId: null, metadataLocation: null });
    expect(cut.commits()).toBe(1);
    expect(await gaps(lake.lake, { source })).toMatchObject([{ cause: 'test' }]);
    await cut.close();
    await ingest();
  });
});

describe('sources and logs', () => {
  test('two venues with the same symbol and ids coexist', async () => {
    const [one, two] = [await venue(), await venue()];
    await ingest([...tradeRecords(one, symbol, 0, 30), ...tradeRecords(two, symbol, 0, 30)]);
    expect(await heldIds(one)).toEqual(ids(0, 30));
    expect(await heldIds(two)).toEqual(ids(0, 30));
    await expectProven();
  });

  test('a log made anew starts at its own beginning, and what is held is not taken twice', async () => {
    const source = await venue();
    await ingest(tradeRecords(source, symbol, 0, 40));
    await lake.database.query(`delete from log.topics where topic = $1`, [tradesTopic]);
    await lake.log.ensureTopic(tradesTopic, { partitions: 4, retentionMs: 3_600_000 });
    await ingest(tradeRecords(source, symbol, 30, 70));
    expect(await heldIds(source)).toEqual(ids(0, 70));
    await expectProven();
  });
});

/** A database whose connection is ended by the server right after it committed, so that the answer never comes. */
function cutAtCommit(
  of: TestLake,
  times: number,
): { database: Database; commits(): number; close(): Promise<void> } {
  const database = openDatabase({
    url: of.url,
    applicationName: 'cut',
    logger: of.logger,
    metrics: of.metrics,
  });
  const connect = database.pool.connect.bind(database.pool) as () => Promise<PoolClient>;
  let commits = 0;
  Object.assign(database.pool, {
    async connect() {
      const client = await connect();
      const send = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(client, {
        async query(...args: unknown[]) {
          const answer = await send(...args);
          if (args[0] === 'commit' && commits < times) {
            commits++;
            await of.database.query('select pg_terminate_backend($1)', [
              // The driver keeps its backend's pid without declaring it.
              (client as unknown as { processID: number }).processID,
            ]);
            throw new Error('Connection terminated unexpectedly');
          }
          return answer;
        },
      });
      return client;
    },
  });
  return { database, commits: () => commits, close: () => database.close() };
}
