import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { coverage } from '#core/lake/ledger.ts';
import { proveDays, proveListings, dayKey, type DayProof, type ListingProof } from '#core/lake/proof.ts';
import { rollbackTable } from '#core/lake/rollback.ts';
import { klines } from '#core/lake/tables.ts';
import { intervalUs } from '#core/market/interval.ts';
import { putBars, type TestBar } from '#tests/support/bars.ts';
import { knowSymbols, openTestLake, recordOf, tradeOf, type TestLake } from '#tests/support/lake.ts';

let ground: TestLake;

beforeAll(async () => {
  ground = await openTestLake();
});
afterAll(async () => {
  await ground.close();
});

const hourUs = intervalUs('1h');
const dayUs = intervalUs('1d');
const start = Date.parse('2026-02-27T00:00:00Z') * 1_000;

const hour = (index: number, price = 1): TestBar => ({
  openUs: start + index * hourUs,
  ...{ open: `${price}`, high: `${price}`, low: `${price}`, close: `${price}` },
  ...{ volume: '1', quoteVolume: '1', trades: 1 },
});

/** Numbers that look random and are the same each time. */
function* numbers(): Generator<number, never> {
  for (let state = 7; ; state = (state * 48_271) % 2_147_483_647) yield state / 2_147_483_647;
}

describe('the proof as of an earlier commit', () => {
  it('says what was said then, by snapshot and by time', async () => {
    const source = 'past';
    const random = numbers();
    const below = (max: number): number => Math.floor(random.next().value * max);
    const said: { snapshotId: string; at: string; listings: ListingProof[]; days: DayProof[] }[] = [];
    for (let commit = 0; commit < 14; commit += 1) {
      const [from, length] = [below(60), 1 + below(30)];
      const hours = Array.from({ length }, (_, index) => from + index);
      const kept = hours.filter(() => below(5) > 0);
      const gone = hours.find((index) => !kept.includes(index));
      const { snapshotId } = await putBars(ground, {
        ...{ source, listing: below(2) === 0 ? 'BTCUSDT#1' : 'ETHUSDT#1', interval: '1h' },
        span: { lo: start + from * hourUs, hi: start + (from + length) * hourUs },
        bars: kept.map((index) => hour(index, commit + 1)),
        explained:
          gone === undefined
            ? []
            : [{ lo: start + gone * hourUs, hi: start + (gone + 1) * hourUs, cause: 'halt', detail: '' }],
      });
      const listings = await proveListings(ground.lake, { source });
      const days = await proveDays(ground.lake, { source, limit: 1_000 });
      const moment = listings.moments.find(({ table }) => table === 'market.klines');
      if (snapshotId !== null) expect(moment?.snapshotId).toBe(String(snapshotId));
      said.push({
        snapshotId: moment?.snapshotId ?? '',
        at: moment?.committedAt ?? '',
        ...{ listings: listings.rows, days: days.rows },
      });
    }
    const bySnapshot = new Map(said.map((each) => [each.snapshotId, each]));
    expect(bySnapshot.size).toBeGreaterThan(10);
    for (const { snapshotId, at, listings, days } of bySnapshot.values()) {
      for (const asOf of [snapshotId, at]) {
        const then = await proveListings(ground.lake, { source, asOf });
        expect(then.rows).toEqual(listings);
        expect((await proveDays(ground.lake, { source, asOf, limit: 1_000 })).rows).toEqual(days);
        expect(then.moments).toContainEqual(expect.objectContaining({ table: 'market.klines', snapshotId }));
      }
    }
    const before = await proveListings(ground.lake, { source, asOf: '2020-01-01' });
    expect(before.rows).toEqual([]);
  });

  it('is said of what a rollback undid, and of what it came back to', async () => {
    const source = 'undone';
    const bars = Array.from({ length: 20 }, (_, index) => hour(index));
    const of = { source, listing: 'SOLUSDT#1', interval: '1h' } as const;
    const first = await putBars(ground, { ...of, bars: bars.slice(0, 10) });
    const second = await putBars(ground, { ...of, bars: bars.slice(10) });
    await rollbackTable(ground.lake, klines, String(first.snapshotId));
    const held = async (asOf?: number | null): Promise<number> => {
      const { rows } = await proveListings(ground.lake, {
        source,
        ...(asOf === undefined ? {} : { asOf: String(asOf) }),
      });
      return rows[0]?.held ?? 0;
    };
    expect([await held(), await held(first.snapshotId), await held(second.snapshotId)]).toEqual([10, 10, 20]);
  });

  it('is said of a tag too, and of nothing else', async () => {
    await expect(proveListings(ground.lake, { asOf: 'no-such-tag' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(proveListings(ground.lake, { asOf: '123456789' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(proveListings(ground.lake, { table: 'market.trade' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const main = await proveListings(ground.lake, { table: 'market.klines', asOf: 'main' });
    expect(main.rows).toEqual((await proveListings(ground.lake, { table: 'market.klines' })).rows);
  });
});

describe('the proof', () => {
  it('agrees with the ledger where nothing is wanted', async () => {
    const { rows } = await proveListings(ground.lake, { source: 'past' });
    expect(rows).toEqual(await coverage(ground.lake, { source: 'past' }));
  });

  it('expects what is wanted, before and after what is held', async () => {
    const source = 'wanted';
    await putBars(ground, {
      source,
      listing: 'ETHUSDT#1',
      interval: '1h',
      bars: [30, 31, 33].map((i) => hour(i)),
    });
    await ground.database.query(
      `insert into lake.wanted (table_name, source, listing, "interval", lo, hi, rank)
       values ('market.klines', $1, 'ETHUSDT#1', '1h', $2, $3, 1)`,
      [source, start + 20 * hourUs, start + 50 * hourUs],
    );
    const { rows } = await proveListings(ground.lake, { source });
    expect(rows).toMatchObject([
      { lo: start + 20 * hourUs, hi: start + 50 * hourUs, expected: 30, held: 3, missing: 27 },
    ]);
    const days = await proveDays(ground.lake, { source, limit: 10 });
    expect(days.rows.map(({ day, expected, held, missing }) => [day, expected, held, missing])).toEqual([
      ['2026-02-27', 4, 0, 4],
      ['2026-02-28', 24, 3, 21],
      ['2026-03-01', 2, 0, 2],
    ]);
    const part = await proveDays(ground.lake, {
      source,
      fromDay: '2026-02-28',
      toDay: '2026-03-01',
      limit: 10,
    });
    expect(part.rows.map(({ day }) => day)).toEqual(['2026-02-28']);
  });

  it('gives a missing trade to the day of its lower neighbour', async () => {
    const source = 'simulator:42';
    await knowSymbols(ground.database, source, ['BTCUSDT']);
    const midnight = Math.floor(tradeOf(source, 'BTCUSDT', 1).timestampUs / dayUs) * dayUs;
    const ids = [1, 2, 3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 17];
    await ground.log.append(
      'trades',
      ids.map((id) =>
        recordOf({
          ...tradeOf(source, 'BTCUSDT', id),
          timestampUs: midnight + (id > 10 ? dayUs : 0) + id * 1_000_000,
        }),
      ),
    );
    const consumer = await ground.startConsumer();
    try {
      await vi.waitFor(
        async () => expect((await proveListings(ground.lake, { source })).rows[0]?.held).toBe(ids.length),
        { timeout: 30_000, interval: 100 },
      );
    } finally {
      await consumer.close();
    }
    const { rows } = await proveDays(ground.lake, { source, limit: 10 });
    expect(rows).toMatchObject([
      {
        symbol: 'BTCUSDT',
        interval: null,
        day: '2024-08-08',
        expected: 12,
        held: 9,
        explained: 0,
        missing: 3,
      },
      { day: '2024-08-09', expected: 5, held: 4, explained: 0, missing: 1 },
    ]);
  });

  it('comes in pages, each day once', async () => {
    const all = await proveDays(ground.lake, { limit: 1_000 });
    const paged: DayProof[] = [];
    for (;;) {
      const last = paged.at(-1);
      const after = last === undefined ? {} : { after: dayKey(last) };
      const { rows } = await proveDays(ground.lake, { ...after, limit: 3 });
      if (rows.length === 0) break;
      paged.push(...rows);
    }
    expect(paged).toEqual(all.rows);
    expect(paged.length).toBeGreaterThan(6);
  });
});
