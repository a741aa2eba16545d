import { python } from '#tests/support/python.ts';
import { totals, type Totals } from './trades-table.ts';

/** A question to every reader, in each one's words. */
export interface Query {
  /** For DuckDB. */
  where: string;
  /** For PyIceberg, unless all rows are asked for. */
  rowFilter?: string;
}

export interface JdbcCatalog {
  name: string;
  uri: string;
  warehouse: string;
  table: string;
}

type Answers<Query extends string, Answer> = Record<Query, Answer>;

export interface ForeignAnswers<Query extends string> {
  /** PyIceberg's StaticTable, from the metadata file alone. */
  static: Answers<Query, { totals: Totals; files: number }>;
  /** PyIceberg's SqlCatalog on Postgres. */
  catalog?: Answers<Query, { totals: Totals; files: number }>;
  /** DuckDB's iceberg_scan. */
  duckdb: Answers<Query, { totals: Totals }>;
}

/** Asks all foreign readers the same questions about a version of a table of trades. */
export function askForeignReaders<Name extends string>(
  metadata: string,
  queries: Record<Name, Query>,
  catalog?: JdbcCatalog,
): Promise<ForeignAnswers<Name>> {
  return python('engines/readers.py', {
    metadata,
    queries,
    totals,
    ...(catalog === undefined ? {} : { catalog }),
  });
}

/** The tables of Java's JdbcCatalog (schema version 1) and PyIceberg's SqlCatalog. */
export const jdbcCatalogTables = `
  create table if not exists iceberg_tables (
    catalog_name varchar(255) not null, table_namespace varchar(255) not null, table_name varchar(255) not null,
    metadata_location varchar(1000), previous_metadata_location varchar(1000), iceberg_type varchar(5),
    primary key (catalog_name, table_namespace, table_name));
  create table if not exists iceberg_namespace_properties (
    catalog_name varchar(255) not null, namespace varchar(255) not null, property_key varchar(255) not null,
    property_value varchar(1000), primary key (catalog_name, namespace, property_key));`;
