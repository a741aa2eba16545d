import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadTable } from '#core/lake/catalog.ts';
import { compactTable } from '#core/lake/compact.ts';
import { query } from '#core/lake/engine.ts';
import { symbols } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { discoverSymbols } from '#pipelines/discover-symbols/discover.ts';
import { defaultRules } from '#pipelines/discover-symbols/rules.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import { publishSymbols } from '#pipelines/publish-symbols/publish.ts';
import { openTimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = requires(
  (await pythonEnvironment()) !== undefined,
  'Python with PyIceberg',
  pythonRemedy,
);

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

async function rows(sql: string) {
  return (await query(lake.lake, sql, { spillDir: lake.spillDir })).rows;
}

test('the universe is a table of the lake, with what held and what was known', async () => {
  const venue = await openTimedVenue(5_300, '2024-03-05T10:00:00Z');
  onTestFinished(() => venue.close());
  const discover = (top: number) =>
    discoverSymbols({
      ...{ exchange: venue.exchange, database: lake.database, metrics: lake.metrics },
      rules: { ...defaultRules, top, hysteresis: 0 },
    });
  expect(await publishSymbols(lake.lake, lake.spillDir)).toMatchObject({ rows: 0, unchanged: true });
  await discover(5);
  expect(await publishSymbols(lake.lake, lake.spillDir)).toMatchObject({ rows: 5, unchanged: false });
  expect(await publishSymbols(lake.lake, lake.spillDir)).toEqual({
    rows: 5,
    snapshotId: null,
    unchanged: true,
  });

  await venue.goTo('2024-03-06T10:00:00Z');
  await discover(4);
  expect(await publishSymbols(lake.lake, lake.spillDir)).toMatchObject({ rows: 14, unchanged: false });
  const source = venue.exchange.source;
  const current = `select symbol, listing_id, "rank"::integer as rank, liquidity, tick_size::varchar as tick
                     from market.symbols
                    where source = '${source}' and valid_to is null and superseded_at is null order by "rank"`;
  const members = await listUniverse(lake.database, { source });
  expect(await rows(current)).toMatchObject(
    members.map(({ symbol, listingId, rank, liquidity }) => ({
      symbol,
      listing_id: listingId,
      rank,
      liquidity,
    })),
  );
  const then = await rows(
    `select count(*)::integer as markets from market.symbols where source = '${source}'
        and valid_from <= timestamptz '2024-03-05 12:00:00+00' and coalesce(valid_to, 'infinity') > '2024-03-05 12:00:00+00'
        and superseded_at is null`,
  );
  expect(then).toEqual([{ markets: 5 }]);
  expect(await compactTable(lake.lake, symbols, { spillDir: lake.spillDir, filesMin: 1 })).toMatchObject([
    { files: 1, rows: 14 },
  ]);
  expect(await verifyTable(lake.lake, symbols, { spillDir: lake.spillDir, deep: true })).toMatchObject({
    ...{ ok: true, listings: [], damaged: [] },
  });
});

test('PyIceberg and DuckDB read it as our SQL does', needsPython, async () => {
  const select = `count(*)::integer as rows, count(valid_to)::integer as ended, sum(tick_size)::varchar as ticks,
                  round(sum(liquidity), 2) as liquidity, max(recorded_at)::varchar as recorded`;
  const { metadataLocation } = await loadTable(lake.lake, symbols);
  const seen = await python<Record<string, unknown[]>>('engines/iceberg_reader.py', {
    ...{ metadata: metadataLocation, questions: [{ select }] },
  });
  const ours = await rows(`select ${select} from market.symbols`);
  expect(seen).toEqual({ pyiceberg: ours, duckdb: ours });
});
