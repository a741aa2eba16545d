import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evolveSchema, type SchemaChange } from '#core/iceberg/evolve.ts';
import { projectColumns } from '#core/iceberg/project.ts';
import { reachableFiles, unreachableFiles } from '#core/iceberg/reachable.ts';
import { resolveRef, rollbackTo, setTag, type SnapshotName } from '#core/iceberg/refs.ts';
import { expireSnapshots } from '#core/iceberg/retire.ts';
import { planScan } from '#core/iceberg/scan.ts';
import { schemaById } from '#core/iceberg/schema.ts';
import type { DataFile, FileEntry, Schema, SchemaField, TableMetadata } from '#core/iceberg/types.ts';
import { applyUpdates, type Update } from '#core/iceberg/updates.ts';
import { diskIO } from '#tests/core/iceberg/file-io.ts';
import { replaceIn } from '#tests/core/iceberg/table.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { append, newTradesTable, openDuckDb, saveMetadata, tradeFields, writeRows } from './trades-table.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  // Each question starts a Python, which takes seconds on a busy machine.
  timeout: 300_000,
};

type Row = Record<string, string | null>;

interface Question {
  /** One row of text over the columns as they are called at that version. */
  select: string;
  tag?: string;
}

const totals = `count(*)::varchar as trades, sum(price)::varchar as prices, sum(volume)::varchar as volumes,
  min(price)::varchar as lowest, max(timestamp)::varchar as last, sum(trade_id)::varchar as ids,
  count(source)::varchar as sourced, max(date)::varchar as day`;

/** After volume was renamed, source dropped and a new source added, and a column put first. */
const evolvedTotals = `count(*)::varchar as trades, sum(price)::varchar as prices, sum(quantity)::varchar as volumes,
  min(price)::varchar as lowest, max(timestamp)::varchar as last, sum(trade_id)::varchar as ids,
  count(source)::varchar as sourced, sum(venue_ms)::varchar as venues, max(date)::varchar as day,
  sum(fee)::varchar as fees, sum(level)::varchar as levels`;

describe(
  'a table that is appended to, overwritten, compacted, rolled back, evolved and expired',
  needsPython,
  () => {
    let directory: string;
    let duck: DuckDBConnection;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'ticklake-lifecycle-'));
      duck = await openDuckDb();
    });

    afterAll(async () => {
      duck.closeSync();
      await rm(directory, { recursive: true, force: true });
    });

    it('reads in PyIceberg and DuckDB as it reads here, also at a tag', async () => {
      const narrow: SchemaField[] = [
        ...tradeFields,
        { id: 10, name: 'level', type: 'int', required: false },
        { id: 11, name: 'fee', type: 'decimal(18, 8)', required: false },
      ];
      let metadata = newTradesTable(join(directory, 'trades'));
      metadata = {
        ...metadata,
        schemas: [{ ...schemaById(metadata, 0), fields: narrow }],
        'last-column-id': 11,
      };
      const [a, b, c] = [
        await write(metadata, '2026-03-01', 1, 100),
        await write(metadata, '2026-03-01', 101, 50),
        await write(metadata, '2026-03-02', 151, 70),
      ];
      metadata = await append(metadata, [a, b]);
      metadata = await append(metadata, [c]);
      const longer = await write(metadata, '2026-03-01', 101, 60);
      metadata = await replace(metadata, [b], [longer], 'overwrite');
      metadata = update(metadata, setTag(metadata, 'v1', metadata['current-snapshot-id']));
      const compacted = await write(metadata, '2026-03-01', 1, 160);
      metadata = await replace(metadata, [a, longer], [compacted], 'replace');
      expect(await agreed(metadata, [{ select: totals }])).toMatchObject([{ trades: '230' }]);

      metadata = update(metadata, rollbackTo(metadata, metadata.refs['v1']?.['snapshot-id'] ?? 0));
      metadata = await append(metadata, [await write(metadata, '2026-03-03', 500, 5)]);
      expect(await agreed(metadata, [{ select: totals }, { select: totals, tag: 'v1' }])).toMatchObject([
        { trades: '235', sourced: '235' },
        { trades: '230' },
      ]);

      metadata = evolve(metadata, [
        { change: 'drop', name: 'source' },
        { change: 'rename', name: 'volume', newName: 'quantity' },
        { change: 'add', name: 'source', type: 'string' },
        { change: 'add', name: 'venue_ms', type: 'long', to: 'first' },
        { change: 'widen', name: 'level', type: 'long' },
        { change: 'widen', name: 'fee', type: 'decimal(38, 8)' },
        { change: 'move', name: 'date', to: { after: 'symbol' } },
        { change: 'make-optional', name: 'side' },
      ]);
      expect(await agreed(metadata, [{ select: evolvedTotals }])).toMatchObject([
        { trades: '235', sourced: '0', venues: null },
      ]);
      const later = await write(metadata, '2026-03-03', 600, 30);
      metadata = await append(metadata, [later]);
      const [widened] = await agreed(metadata, [{ select: evolvedTotals }]);
      expect(widened).toMatchObject({ trades: '265', sourced: '30', venues: String(((600 + 629) * 30) / 2) });

      const present = [{ select: evolvedTotals }, { select: totals, tag: 'v1' }];
      const before = await agreed(metadata, present);
      const expired = expireSnapshots(metadata, { olderThanMs: Infinity, keepLast: 1, nowMs: Date.now() });
      expect(expired.metadata.snapshots).toHaveLength(2);
      const gone = await unreachableFiles(diskIO, expired.metadata, expired.retired);
      expect(gone).toContain(compacted.path);
      expect(gone).not.toContain(longer.path);
      const reachable = await reachableFiles(diskIO, expired.metadata);
      expect(gone.filter((path) => reachable.has(path))).toEqual([]);
      for (const path of gone) await rm(path);
      expect(await agreed(expired.metadata, present)).toEqual(before);
    });

    /** The answers, which all readers give alike. */
    async function agreed(metadata: TableMetadata, questions: readonly Question[]): Promise<Row[]> {
      const foreign = await python<{ pyiceberg: Row[]; duckdb: Row[] }>('engines/iceberg_reader.py', {
        metadata: await saveMetadata(metadata),
        questions,
      });
      const ours = await Promise.all(questions.map((question) => answer(metadata, question)));
      expect(foreign.pyiceberg).toEqual(ours);
      expect(foreign.duckdb).toEqual(ours);
      return ours;
    }

    /** Our own reading: the files of the snapshot, each under the snapshot's schema by field id. */
    async function answer(metadata: TableMetadata, { select, tag }: Question): Promise<Row> {
      const target: SnapshotName = tag === undefined ? { name: 'main' } : { name: tag };
      const snapshot = resolveRef(metadata, target) ?? expect.fail('an empty table');
      const schemaId = tag === undefined ? metadata['current-schema-id'] : (snapshot['schema-id'] ?? 0);
      const schema = schemaById(metadata, schemaId);
      const { files } = await planScan({ io: diskIO, metadata, snapshotId: snapshot['snapshot-id'] });
      const relations = await Promise.all(files.map((file) => relationOf(metadata, schema, file)));
      const reader = await duck.runAndReadAll(`select ${select} from (${relations.join(' union all ')})`);
      return reader.getRowObjectsJson()[0] as Row;
    }

    async function relationOf(metadata: TableMetadata, schema: Schema, file: FileEntry): Promise<string> {
      const footer = await duck.runAndReadAll(
        `select field_id::integer as id, name from parquet_schema('${file.path}') where field_id is not null`,
      );
      const columns = footer.getRowObjectsJson() as { id: number; name: string }[];
      const list = projectColumns(metadata, schema, file, columns).map((source) => {
        const value = source.from === 'column' ? `"${source.name}"` : 'null';
        return `${value}::${duckType(source.field)} as "${source.field.name}"`;
      });
      return `select ${list.join(', ')} from read_parquet('${file.path}')`;
    }

    /** Writes trades under the table's current schema, with columns as that calls them. */
    function write(metadata: TableMetadata, day: string, firstId: number, count: number): Promise<DataFile> {
      const { fields } = schemaById(metadata, metadata['current-schema-id']);
      const values: Record<string, string> = {
        symbol: "'BTCUSDT'",
        timestamp: `timestamptz '${day} 00:00:00+00' + to_seconds(id)`,
        price: '(id % 97 - 48) / 8',
        volume: 'id / 4',
        quantity: 'id / 4',
        side: "'buy'",
        trade_id: 'id',
        source: "'binance'",
        processing_time: `timestamptz '${day} 00:00:01.000001+00'`,
        date: `date '${day}'`,
        level: '2147483647 - id',
        fee: 'id / 1000',
        venue_ms: 'id',
      };
      const columns = fields.map((field) => `(${values[field.name]})::${duckType(field)} as ${field.name}`);
      const query = `select ${columns.join(', ')} from (select range as id from range(${firstId}, ${firstId + count}))`;
      return writeRows(duck, metadata.location, { day, query, fields });
    }
  },
);

function duckType({ type }: SchemaField): string {
  const names: Record<string, string> = { string: 'varchar', long: 'bigint', int: 'integer' };
  return typeof type === 'string' ? (names[type] ?? type) : expect.fail('a nested type');
}

function update(metadata: TableMetadata, ...updates: Update[]): TableMetadata {
  return applyUpdates(metadata, updates, Date.now());
}

function evolve(metadata: TableMetadata, changes: readonly SchemaChange[]): TableMetadata {
  return update(metadata, ...evolveSchema(metadata, changes));
}

async function replace(
  base: TableMetadata,
  remove: readonly DataFile[],
  add: readonly DataFile[],
  operation: 'overwrite' | 'replace',
): Promise<TableMetadata> {
  const named = remove.map((file) => ({ ...file, specId: base['default-spec-id'] }));
  return (await replaceIn(diskIO, base, named, add, { operation, timestampMs: Date.now() })).metadata;
}
