import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTable } from '#core/lake/catalog.ts';
import { compactTable } from '#core/lake/compact.ts';
import type { IdRange } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { query } from '#core/lake/engine.ts';
import { expireTable } from '#core/lake/expire.ts';
import { listGaps } from '#core/lake/gaps.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { rollbackTable } from '#core/lake/rollback.ts';
import { klines, tableId, trades } from '#core/lake/tables.ts';
import { dropTag, listTags, tagSnapshot } from '#core/lake/tags.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { intervalUs } from '#core/market/interval.ts';
import { randomOf } from '#tests/faults/random.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const hourUs = intervalUs('1h');
const start = Date.parse('2026-02-27T00:00:00Z') * 1_000;

/** Puts hours [from, to) of one price in the place of hours [spanFrom, spanTo). */
async function replace(symbol: string, from: number, to: number, price: number, span = { from, to }) {
  const listing = `${symbol}#1`;
  const hours = (range: { from: number; to: number }): IdRange => ({
    ...{ source: 'venue', listing, interval: '1h' },
    ...{ lo: start + range.from * hourUs, hi: start + range.to * hourUs },
  });
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '200MB', spillDir: lake.spillDir });
  try {
    await duck.run(
      `create temp table bars as
         select '${symbol}' as symbol, '1h' as interval, make_timestamptz(${start} + i * ${hourUs}) as open_time,
                ${price}::decimal(38, 18) as open, open as high, open as low, open as close, 1 as volume,
                make_timestamptz(${start} + (i + 1) * ${hourUs} - 1) as close_time, 1 as quote_volume,
                1::bigint as trade_count, 0 as taker_buy_volume, 0 as taker_buy_quote_volume,
                'venue' as source, false as is_filled, open_time::date as date
           from range(${from}, ${to}) t(i)`,
    );
    await replaceSpans(lake.lake, duck, {
      ...{ commitId: randomUUID(), table: klines, relation: 'bars', spans: [hours(span)] },
      ...{ added: from < to ? [hours({ from, to })] : [], explained: [], summary: {} },
      guard: () => Promise.resolve(),
    });
  } finally {
    duck.close();
  }
}

const content = `select symbol, (epoch_us(open_time) - ${start}) // ${hourUs} as hour, open::integer as price
                   from market.klines order by all`;

async function rows(asOf?: string): Promise<unknown[]> {
  const options = { spillDir: lake.spillDir, ...(asOf === undefined ? {} : { asOf }) };
  return (await query(lake.lake, content, options)).rows;
}

async function newest(): Promise<string> {
  const { metadata } = await loadTable(lake.lake, klines);
  return String(metadata['current-snapshot-id']);
}

async function coverageRows() {
  const { rows: held } = await lake.database.query(
    'select listing, "interval", lo, hi from lake.coverage where table_name = $1 order by 1, 2, 3',
    [tableId(klines)],
  );
  return held;
}

async function expectProven(): Promise<void> {
  const { listings, damaged } = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir, deep: true });
  expect(damaged).toEqual([]);
  expect(listings.filter((row) => row.inFiles !== row.held || row.duplicates > 0)).toEqual([]);
}

test('a rollback takes files and ledger back together, and what it undid can be brought again', async () => {
  await replace('ETHUSDT', 0, 10, 1);
  const [before, held] = [await newest(), await coverageRows()];
  await replace('ETHUSDT', 10, 20, 2);
  await replace('ETHUSDT', 4, 6, 3);
  await replace('ETHUSDT', 7, 7, 0, { from: 7, to: 9 });
  await compactTable(lake.lake, klines, { spillDir: lake.spillDir });
  const after = await rows();

  expect(await rollbackTable(lake.lake, klines, before, { dryRun: true })).toMatchObject({ removed: 10 });
  expect(await rows()).toEqual(after);
  await expectProven();

  const undone = await rollbackTable(lake.lake, klines, before);
  expect(undone).toMatchObject({ table: 'market.klines', to: Number(before), removed: 10, restored: 2 });
  expect(undone.snapshots).toBeGreaterThanOrEqual(3);
  expect(await coverageRows()).toEqual(held);
  await expectProven();
  expect(await rows()).toEqual(await rows(before));
  const [gap, ...others] = await listGaps(lake.database, { table: 'market.klines', symbols: ['ETHUSDT'] });
  expect(gap).toMatchObject({ kind: 'missing', from: start + 10 * hourUs, to: start + 20 * hourUs });
  expect(others).toEqual([]);
  // Once more it changes nothing.
  expect(await rollbackTable(lake.lake, klines, before)).toMatchObject({
    snapshots: 0,
    removed: 0,
    restored: 0,
  });

  await replace('ETHUSDT', 10, 20, 4);
  await expectProven();
  expect(await rows()).toHaveLength(20);
});

test('what other programs cannot have meant is refused, and nothing changes', async () => {
  await replace('REFUSED', 0, 3, 1);
  const base = await newest();
  await replace('REFUSED', 3, 6, 1);
  const left = await newest();
  await rollbackTable(lake.lake, klines, base);
  const held = await coverageRows();
  await expect(rollbackTable(lake.lake, klines, left)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(rollbackTable(lake.lake, klines, 'nosuch')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(rollbackTable(lake.lake, trades, '2026-01-01')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await coverageRows()).toEqual(held);
  expect(await newest()).toBe(base);
});

test('tags name snapshots that can be read and set back to', async () => {
  await replace('TAGGED', 0, 5, 1);
  const snapshot = await newest();
  expect(String(await tagSnapshot(lake.lake, klines, 'before-the-load'))).toBe(snapshot);
  await replace('TAGGED', 0, 5, 2);
  await expect(tagSnapshot(lake.lake, klines, 'before-the-load')).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(tagSnapshot(lake.lake, klines, '2026-01-01')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(tagSnapshot(lake.lake, klines, 'x', { asOf: 'nosuch' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect((await listTags(lake.lake, klines)).map(({ name }) => name)).toContain('before-the-load');
  const tagged = await rows('before-the-load');
  await rollbackTable(lake.lake, klines, 'before-the-load');
  expect(await rows()).toEqual(tagged);
  await dropTag(lake.lake, klines, 'before-the-load');
  await expect(dropTag(lake.lake, klines, 'before-the-load')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a tag can be gone back to when all between has expired', async () => {
  await replace('KEPT', 0, 5, 1);
  await tagSnapshot(lake.lake, klines, 'kept');
  const [kept, held] = [await rows(), await coverageRows()];
  for (let price = 2; price < 6; price++) await replace('KEPT', 3, 3 + price, price);
  await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 1 });
  expect(await listSnapshots(lake.lake, klines)).toHaveLength(2);
  expect(await rollbackTable(lake.lake, klines, 'kept')).toMatchObject({ snapshots: 4, removed: 3 });
  expect(await rows()).toEqual(kept);
  expect(await coverageRows()).toEqual(held);
  await expectProven();
  await dropTag(lake.lake, klines, 'kept');
});

test('commits go on while a table is set back, and both are whole', async () => {
  const before = await newest();
  const commits = Array.from({ length: 6 }, (_, i) => replace(`LIVE${i}`, 0, 4, i + 1));
  const back = Promise.resolve().then(() => rollbackTable(lake.lake, klines, before));
  await Promise.all([...commits, back]);
  await expectProven();
});

test.each([1, 2, 3])(
  'after any commits, any snapshot that led to the newest can be gone back to (seed %i)',
  async (seed) => {
    const random = randomOf(seed);
    const pick = (below: number) => Math.floor(random() * below);
    const line: { snapshot: string; rows: unknown[]; held: unknown[] }[] = [];
    for (let step = 0; step < 10; step++) {
      const kind = random();
      if (kind < 0.7 || line.length < 2) {
        const from = pick(30);
        const to = from + pick(8);
        await replace(`SYM${pick(2)}`, from, to, step + 1, { from: Math.max(0, from - pick(3)), to: to + 1 });
      } else if (kind < 0.85) {
        await compactTable(lake.lake, klines, { spillDir: lake.spillDir });
      } else {
        const target = line[pick(line.length)];
        if (target === undefined) throw new Error('nothing to go back to');
        await rollbackTable(lake.lake, klines, target.snapshot);
        expect(await rows()).toEqual(target.rows);
        expect(await coverageRows()).toEqual(target.held);
        line.length = line.indexOf(target);
      }
      const snapshot = await newest();
      if (snapshot !== line.at(-1)?.snapshot) {
        line.push({ snapshot, rows: await rows(), held: await coverageRows() });
      }
      await expectProven();
    }
  },
);
