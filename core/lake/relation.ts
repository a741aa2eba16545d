import { literal } from './duckdb.ts';
import { columnNamed, duckType, partitionName, quoted, type LakeTable } from './tables.ts';

/** SQL of the rows in a table's files, in the table's columns; without files, the empty relation of them. */
export function parquetRelation(table: LakeTable, files: readonly string[]): string {
  if (files.length === 0) {
    const empty = table.columns.map(({ type, name }) => `null::${duckType(type)} as ${quoted(name)}`);
    return `select ${empty.join(', ')} where false`;
  }
  const columns = table.columns.map(({ name }) => quoted(name)).join(', ');
  return `select ${columns} from read_parquet([${files.map(literal).join(', ')}], ${partitionPruning(table, files)})`;
}

/** SQL of those rows of a table that count: of bars that are revised, the latest revision of each. */
export function latestRevisions(table: LakeTable, rows: string): string {
  const { key } = table;
  if (key.kind !== 'bar' || key.revision === undefined) return rows;
  const bar = ['source', 'symbol', key.interval, key.column].map(quoted).join(', ');
  return `select * from (${rows}) qualify row_number() over (partition by ${bar} order by ${quoted(key.revision)} desc) = 1`;
}

/** Where every path names its partition, DuckDB leaves out files by it without opening them. */
function partitionPruning(table: LakeTable, files: readonly string[]): string {
  const fields = table.partition.map((field) => ({ ...field, name: partitionName(field) }));
  if (fields.length === 0 || !files.every((file) => fields.every(({ name }) => file.includes(`/${name}=`)))) {
    return 'hive_partitioning = false';
  }
  const types = fields.map(({ name, column, transform }) => {
    const type = transform === 'identity' ? duckType(columnNamed(table, column).type) : 'varchar';
    return `${quoted(name)}: ${type}`;
  });
  return `hive_partitioning = true, hive_types = {${types.join(', ')}}`;
}
