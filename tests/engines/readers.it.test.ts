import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFormatCache } from '#core/iceberg/cache.ts';
import { readManifestList } from '#core/iceberg/manifest-list.ts';
import { findSnapshot, parseMetadata, serializeMetadata } from '#core/iceberg/metadata.ts';
import { planScan, type ScanFilter } from '#core/iceberg/scan.ts';
import type { TableMetadata } from '#core/iceberg/types.ts';
import { diskIO } from '#tests/core/iceberg/file-io.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { askForeignReaders, jdbcCatalogTables, type Query } from './foreign.ts';
import {
  append,
  newTradesTable,
  openDuckDb,
  saveMetadata,
  totalsOf,
  writeTrades,
  type Batch,
} from './trades-table.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  // Each question starts a Python, which takes seconds on a busy machine.
  timeout: 180_000,
};

/** Each question in our words and each foreign reader's; `files` is how many of the eight can hold an answer. */
const questions = {
  all: { where: 'true', filter: [], files: 8 },
  oneDay: {
    where: "date = '2026-03-02'",
    rowFilter: "date = '2026-03-02'",
    filter: [{ column: 'date', op: '=', value: '2026-03-02' }],
    files: 3,
  },
  lateDays: {
    where: "date > '2026-03-01' and symbol = 'ETHUSDT'",
    rowFilter: "date > '2026-03-01' and symbol = 'ETHUSDT'",
    filter: [
      { column: 'date', op: '>', value: '2026-03-01' },
      { column: 'symbol', op: '=', value: 'ETHUSDT' },
    ],
    files: 2,
  },
  ids: {
    where: 'trade_id >= 1150 and trade_id < 1250',
    rowFilter: 'trade_id >= 1150 and trade_id < 1250',
    filter: [
      { column: 'trade_id', op: '>=', value: 1150 },
      { column: 'trade_id', op: '<', value: 1250 },
    ],
    files: 2,
  },
  dear: {
    where: 'price >= 15.25::decimal(38, 18)',
    rowFilter: "price >= '15.250000000000000000'",
    filter: [{ column: 'price', op: '>=', value: '15.25' }],
    files: 1,
  },
  moment: {
    where: "timestamp <= timestamptz '2026-03-01 00:01:01.234567+00'",
    rowFilter: "timestamp <= '2026-03-01T00:01:01.234567+00:00'",
    filter: [{ column: 'timestamp', op: '<=', value: '2026-03-01 00:01:01.234567+00' }],
    files: 3,
  },
  symbols: {
    where: "symbol in ('ETHUSDT', 'DOGEUSDT')",
    rowFilter: "symbol in ('ETHUSDT', 'DOGEUSDT')",
    filter: [{ column: 'symbol', op: 'in', value: ['ETHUSDT', 'DOGEUSDT'] }],
    files: 3,
  },
  sourced: {
    where: "source = 'binance'",
    rowFilter: "source = 'binance'",
    filter: [{ column: 'source', op: '=', value: 'binance' }],
    files: 7,
  },
} satisfies Record<string, Query & { filter: ScanFilter; files: number }>;

/** Four appends over three days; sources without, with some, and with only nulls. */
const appends: Batch[][] = [
  [
    { day: '2026-03-01', symbol: 'BTCUSDT', firstId: 1000, count: 100 },
    { day: '2026-03-02', symbol: 'BTCUSDT', firstId: 1100, count: 100 },
  ],
  [
    {
      day: '2026-03-02',
      symbol: 'BTCUSDT',
      firstId: 1200,
      count: 100,
      source: "case when i % 3 = 0 then 'binance' end",
    },
  ],
  [
    { day: '2026-03-01', symbol: 'ETHUSDT', firstId: 5000, count: 80, source: 'null' },
    { day: '2026-03-02', symbol: 'ETHUSDT', firstId: 5080, count: 80 },
    { day: '2026-03-03', symbol: 'ETHUSDT', firstId: 5160, count: 80 },
  ],
  [
    { day: '2026-03-01', symbol: 'SOLUSDT', firstId: 700, count: 1 },
    { day: '2026-03-03', symbol: 'SOLUSDT', firstId: 1_200_000, count: 50 },
  ],
];

let directory: string;
let duck: DuckDBConnection;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ticklake-readers-'));
  duck = await openDuckDb();
});

afterAll(async () => {
  duck.closeSync();
  await rm(directory, { recursive: true, force: true });
});

describe('foreign readers of our tables', needsPython, () => {
  it('agree on every question, and prune as we do', async () => {
    let metadata = newTradesTable(join(directory, 'trades'));
    for (const batches of appends) {
      const files = [];
      for (const batch of batches) files.push(await writeTrades(duck, metadata.location, batch));
      metadata = await append(metadata, files);
    }
    const location = await saveMetadata(metadata);
    const postgres = await startTestPostgres();
    try {
      await publish(postgres.url, location);
      const foreign = await askForeignReaders(location, questions, {
        name: 'ticklake',
        uri: postgres.url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
        warehouse: `file://${directory}`,
        table: 'market.trades',
      });
      for (const [name, { filter, where, files }] of Object.entries(questions)) {
        const key = name as keyof typeof questions;
        const plan = await planScan({ io: diskIO, metadata, filter });
        const ours = await totalsOf(
          duck,
          plan.files.map((file) => file.path),
          where,
        );
        const unpruned = await totalsOf(duck, await allFiles(metadata), where);
        expect(ours, `${name}: pruned as unpruned`).toEqual(unpruned);
        expect(Number(ours['trades']), `${name}: finds rows`).toBeGreaterThan(0);
        expect(plan.files.length, `${name}: files planned by us`).toBe(files);
        expect(foreign.static[key], `${name}: PyIceberg, metadata file`).toEqual({ totals: ours, files });
        expect(foreign.catalog?.[key], `${name}: PyIceberg, catalog`).toEqual({ totals: ours, files });
        expect(foreign.duckdb[key].totals, `${name}: DuckDB`).toEqual(ours);
      }
    } finally {
      await postgres.close();
    }
  });

  it('agree after 300 appends, which leave lists and metadata short', async () => {
    let metadata = newTradesTable(join(directory, 'many'));
    const cache = createFormatCache();
    const options = { smallManifestsMax: 10, maxSnapshots: 20, cache };
    const listed: number[] = [];
    for (let i = 0; i < 300; i += 1) {
      const batch = {
        day: `2026-04-${String(1 + (i % 3)).padStart(2, '0')}`,
        symbol: 'BTCUSDT',
        firstId: i * 5,
        count: 5,
      };
      metadata = await append(metadata, [await writeTrades(duck, metadata.location, batch)], options);
      const snapshot = findSnapshot(metadata);
      if (snapshot !== undefined) listed.push((await readManifestList(diskIO, snapshot, cache)).length);
    }
    // Ten of each magnitude (1, 10, 100 files) and the one just added.
    expect(Math.max(...listed)).toBeLessThanOrEqual(31);
    expect(metadata.snapshots).toHaveLength(20);
    expect(metadata['snapshot-log']).toHaveLength(20);
    expect(findSnapshot(metadata)?.summary).toMatchObject({
      'total-records': '1500',
      'total-data-files': '300',
    });

    const parsed = parseMetadata(serializeMetadata(metadata));
    const foreign = await askForeignReaders(await saveMetadata(metadata), {
      all: { where: 'true' },
      day: { where: "date = '2026-04-02'", rowFilter: "date = '2026-04-02'" },
    });
    const ours = await totalsOf(duck, await allFiles(parsed));
    expect(ours['trades']).toBe('1500');
    expect(ours['ids']).toBe(String((1499 * 1500) / 2));
    expect(foreign.static.all).toEqual({ totals: ours, files: 300 });
    expect(foreign.duckdb.all.totals).toEqual(ours);
    expect(foreign.static.day.files).toBe(100);
    expect(foreign.duckdb.day).toEqual({ totals: foreign.static.day.totals });
  });
});

async function allFiles(metadata: TableMetadata): Promise<string[]> {
  return (await planScan({ io: diskIO, metadata })).files.map((file) => file.path);
}

async function publish(url: string, location: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(jdbcCatalogTables);
    await client.query(
      "insert into iceberg_namespace_properties values ('ticklake', 'market', 'exists', 'true')",
    );
    await client.query(
      "insert into iceberg_tables values ('ticklake', 'market', 'trades', $1, null, 'TABLE')",
      [location],
    );
  } finally {
    await client.end();
  }
}
