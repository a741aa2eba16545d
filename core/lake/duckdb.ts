import {
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBValue,
  type Json,
} from '@duckdb/node-api';
import { mkdir } from 'node:fs/promises';
import { toTicklakeError } from '#core/platform/errors.ts';

export interface DuckDbOptions {
  threads: number;
  /** Upper bound of memory, as DuckDB writes sizes: `512MB`. Beyond it, work spills to `spillDir`. */
  memoryLimit: string;
  spillDir: string;
}

/** One in-memory DuckDB with one connection; statements run one after another. */
export class DuckDb {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.connection = connection;
  }

  static async open(options: DuckDbOptions): Promise<DuckDb> {
    await mkdir(options.spillDir, { recursive: true });
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      memory_limit: options.memoryLimit,
      temp_directory: options.spillDir,
      autoinstall_known_extensions: 'false',
      preserve_insertion_order: 'true',
    });
    const connection = await instance.connect();
    await connection.run("set TimeZone = 'UTC'");
    // What values are shown in: of this machine unless it is told.
    DuckDBTimestampTZValue.timezoneOffsetInMinutes = 0;
    return new DuckDb(instance, connection);
  }

  /** Runs statements whose rows nobody wants; how many rows the last of them changed. */
  async run(sql: string, params?: Record<string, DuckDBValue>): Promise<number> {
    try {
      return (await this.connection.run(sql, params)).rowsChanged;
    } catch (error) {
      throw toTicklakeError(error);
    }
  }

  /** Runs statements that take effect together or not at all. */
  async together(work: () => Promise<void>): Promise<void> {
    await this.run('begin');
    try {
      await work();
      await this.run('commit');
    } catch (error) {
      await this.run('rollback').catch(() => undefined);
      throw error;
    }
  }

  /** All rows as plain objects: 64-bit integers, decimals, dates and times as text, as DuckDB writes them. */
  async rows(sql: string, params?: Record<string, DuckDBValue>): Promise<Record<string, Json>[]> {
    try {
      const reader = await this.connection.runAndReadAll(sql, params);
      return reader.getRowObjectsJson();
    } catch (error) {
      throw toTicklakeError(error);
    }
  }

  /**
   * One statement that is run again and again. Its plan is kept until tables or views are made or dropped. DuckDB plans
   * by the values that tables hold just then, and reads garbage where they hold others later: that it leaves off from here
   * on, for all statements.
   */
  async prepare(sql: string): Promise<Statement> {
    try {
      await this.connection.run(
        "set disabled_optimizers = 'statistics_propagation,compressed_materialization'",
      );
      return new Statement(await this.connection.prepare(sql));
    } catch (error) {
      throw toTicklakeError(error);
    }
  }

  close(): void {
    this.connection.closeSync();
    this.#instance.closeSync();
  }
}

export class Statement {
  readonly #prepared: DuckDBPreparedStatement;

  constructor(prepared: DuckDBPreparedStatement) {
    this.#prepared = prepared;
  }

  /** As {@link DuckDb.run}. */
  async run(params: Record<string, DuckDBValue> = {}): Promise<number> {
    try {
      this.#prepared.bind(params);
      return (await this.#prepared.run()).rowsChanged;
    } catch (error) {
      throw toTicklakeError(error);
    }
  }

  /** As {@link DuckDb.rows}. */
  async rows(): Promise<Record<string, Json>[]> {
    try {
      return (await this.#prepared.runAndReadAll()).getRowObjectsJson();
    } catch (error) {
      throw toTicklakeError(error);
    }
  }
}

/** A SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
