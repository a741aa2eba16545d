import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTable } from '#core/lake/catalog.ts';
import { compactTable } from '#core/lake/compact.ts';
import { query } from '#core/lake/engine.ts';
import { expireTable } from '#core/lake/expire.ts';
import { listGaps } from '#core/lake/gaps.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { sweepOrphans } from '#core/lake/orphans.ts';
import { rollbackTable } from '#core/lake/rollback.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import { tagSnapshot } from '#core/lake/tags.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { intervalUs } from '#core/market/interval.ts';
import { putHours, type Hours } from '#tests/support/hours.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  timeout: 240_000,
};
const symbols = ['BTCUSDT', 'ETHUSDT'];
let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

/** Price by market and hour, as it should be. */
type Book = Map<string, Map<number, number>>;

function pricesOf(hours: Map<number, number>): number[] {
  return [...hours].toSorted(([a], [b]) => a - b).map(([, price]) => price);
}

async function bring(book: Book, bars: Hours): Promise<void> {
  await putHours(lake, bars);
  const hours = book.get(bars.symbol) ?? new Map<number, number>();
  for (let hour = bars.from; hour < bars.to; hour++) hours.set(hour, bars.price);
  book.set(bars.symbol, hours);
}

/** A market's month, in twelve commits of which every second takes back half of what the one before brought. */
async function bringMonth(book: Book, symbol: string): Promise<void> {
  for (let part = 0; part < 12; part++) {
    const from = part * 50;
    await bring(book, { symbol, from, to: from + (part % 2 === 0 ? 75 : 50), price: part + 1 });
  }
}

/** Upkeep, over and over until the work beside it is done. */
async function upkeepDuring(work: Promise<unknown>): Promise<void> {
  let ended = false;
  const watched = work.finally(() => (ended = true));
  const upkeep = async (): Promise<void> => {
    while (!ended) {
      await compactTable(lake.lake, klines, { spillDir: lake.spillDir, filesMin: 2 });
      await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 2 });
      await sweepOrphans(lake.lake, klines, { olderThanMs: 60_000, remove: true });
    }
  };
  await Promise.all([watched, upkeep()]);
}

function totalsOf(symbol: string): string {
  const own = `filter (where symbol = '${symbol}' and "interval" = '1h')`;
  const parts = ['volume', 'quote_volume', 'trade_count', 'open', 'close'].map(
    (column) => `(sum(${column}) ${own})::varchar as sum_${column}`,
  );
  const bounds = ['open_time', 'close_time', 'open', 'high', 'low', 'close', 'volume', 'date'].flatMap(
    (column) => [
      `(min(${column}) ${own})::varchar as min_${column}`,
      `(max(${column}) ${own})::varchar as max_${column}`,
    ],
  );
  return [`(count(*) ${own})::varchar as bars`, ...parts, ...bounds].join(', ');
}

/** The lake's bars are those of the book, once each, by our SQL, by PyIceberg, and by the ledger. */
async function expectBook(book: Book, { isComplete }: { isComplete: boolean }): Promise<void> {
  const ask = async (select: string) =>
    (await query(lake.lake, select, { spillDir: lake.spillDir, rowsMax: 10_000 })).rows;
  const found = await ask(
    `select symbol, list(open::integer order by open_time) as prices from market.klines group by symbol order by symbol`,
  );
  expect(found).toEqual(
    [...book]
      .map(([symbol, hours]) => ({ symbol, prices: pricesOf(hours) }))
      .sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
  );

  const verdict = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(verdict.listings.map(({ symbol, held, inFiles }) => ({ symbol, held, inFiles }))).toEqual(
    found.map(({ symbol, prices }) => ({
      ...{ symbol, held: (prices as unknown[]).length, inFiles: (prices as unknown[]).length },
    })),
  );
  expect(verdict.ok).toBe(isComplete);
  expect(verdict.listings.filter((row) => row.duplicates > 0)).toEqual([]);

  const questions = [...book.keys()].map((symbol) => ({ select: totalsOf(symbol) }));
  const { metadataLocation } = await loadTable(lake.lake, klines);
  const foreign = await python<Record<string, unknown[]>>('engines/iceberg_reader.py', {
    ...{ metadata: metadataLocation, questions, engines: ['pyiceberg'] },
  });
  for (const [i, { select }] of questions.entries()) {
    const [ours] = await ask(`select ${select} from market.klines`);
    expect(foreign['pyiceberg']?.[i]).toEqual(ours);
  }
}

/** By the ledger: hours that are wanted and not held, by market. */
async function missing(): Promise<[string, number][]> {
  const gaps = await listGaps(lake.database, { table: tableId(klines), kind: 'missing' });
  return gaps.map(({ symbol, from, to }) => [symbol, (to - from) / intervalUs('1h')]);
}

async function byPyIceberg(work: Record<string, unknown>): Promise<void> {
  await python('engines/pyiceberg_writer.py', {
    catalog: {
      name: 'ticklake',
      uri: lake.url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
      warehouse: lake.lake.store.root,
      table: tableId(klines),
    },
    ...work,
  });
}

describe('the lake of bars and PyIceberg', needsPython, () => {
  const book: Book = new Map();

  it('agree after replacements of one month at once with upkeep, a rollback to a tag, and a refetch', async () => {
    for (const symbol of symbols) await bring(book, { symbol, from: 0, to: 40, price: 99 });
    await tagSnapshot(lake.lake, klines, 'before-the-load');
    const before = structuredClone(book);
    const load = () => Promise.all(symbols.map((symbol) => bringMonth(book, symbol)));
    await upkeepDuring(load());
    await expectBook(book, { isComplete: true });

    // The snapshots between have expired: the tag is kept nevertheless, and the way back to it known.
    await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 1 });
    expect(await listSnapshots(lake.lake, klines)).toHaveLength(2);
    const undone = await rollbackTable(lake.lake, klines, 'before-the-load');
    expect(undone.snapshots).toBeGreaterThanOrEqual(24);
    await expectBook(before, { isComplete: true });
    expect(undone.removed).toBe(1_120);
    expect(await missing()).toEqual(symbols.map((symbol) => [symbol, 560]));

    const again = structuredClone(before);
    const refetch = () => Promise.all(symbols.map((symbol) => bringMonth(again, symbol)));
    await upkeepDuring(refetch());
    expect(again).toEqual(book);
    await expectBook(book, { isComplete: true });
    expect(await missing()).toEqual([]);
  });

  it("agree after PyIceberg's own append and delete, which verify finds and the next commit folds", async () => {
    const verdicts = async () => {
      const { ok, listings } = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir });
      return { ok, listings: listings.map(({ symbol, held, inFiles }) => [symbol, held, inFiles]) };
    };
    const start = '2026-03-01T00:00:00+00:00';
    await byPyIceberg({ append: [{ symbol: 'SOLUSDT', start, hours: 30, price: '7', source: 'venue' }] });
    expect(await verdicts()).toMatchObject({
      ...{
        ok: false,
        listings: [
          ['BTCUSDT', 600, 600],
          ['ETHUSDT', 600, 600],
          ['SOLUSDT', 0, 30],
        ],
      },
    });
    book.set('SOLUSDT', new Map(Array.from({ length: 30 }, (_, hour) => [hour, 7])));
    await bring(book, { symbol: 'BTCUSDT', from: 600, to: 610, price: 13 });
    await expectBook(book, { isComplete: true });

    await byPyIceberg({
      delete:
        "symbol == 'ETHUSDT' and open_time >= '2026-03-01T10:00:00+00:00' and open_time < '2026-03-01T20:00:00+00:00'",
    });
    expect(await verdicts()).toMatchObject({
      ...{
        ok: false,
        listings: [
          ['BTCUSDT', 610, 610],
          ['ETHUSDT', 600, 590],
          ['SOLUSDT', 30, 30],
        ],
      },
    });
    await bring(book, { symbol: 'BTCUSDT', from: 610, to: 620, price: 14 });
    const hours = book.get('ETHUSDT');
    for (let hour = 10; hour < 20; hour++) hours?.delete(hour);
    await expectBook(book, { isComplete: false });
    expect(await missing()).toEqual([['ETHUSDT', 10]]);
    await bring(book, { symbol: 'ETHUSDT', from: 10, to: 20, price: 15 });
    await expectBook(book, { isComplete: true });
    expect(await missing()).toEqual([]);
  });
});
