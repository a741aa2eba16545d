import { setImmediate } from 'node:timers/promises';
import {
  DuckDBTypeId,
  type DuckDBDataChunk,
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBTimestampTZValue,
  type DuckDBTimestampValue,
  type DuckDBDecimalType,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import {
  Bool,
  DateDay,
  Decimal,
  Field,
  Float64,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
  type Data,
  type DataType,
} from 'apache-arrow';

interface Conversion {
  type: DataType;
  toData(values: readonly DuckDBValue[]): Data;
}

/**
 * The result as an Arrow IPC stream, a record batch at a time, so that it need not fit in memory. Integers, decimals,
 * dates and times keep their types (times in microseconds, UTC); nested and rare types become text as DuckDB writes them.
 */
export async function* arrowStream(
  result: DuckDBResult,
  chunks: AsyncIterable<DuckDBDataChunk> = result,
): AsyncGenerator<Uint8Array> {
  const names = result.deduplicatedColumnNames();
  const conversions = result.columnTypes().map(conversionOf);
  const schema = new Schema(
    conversions.map(({ type }, index) => new Field(names[index] ?? `column${index}`, type, true)),
  );
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  const parts = writer[Symbol.asyncIterator]();
  let next = parts.next();
  for await (const chunk of chunks) {
    writer.write(recordBatch(schema, conversions, chunk));
    for (let part = await ready(next); part !== undefined; part = await ready(next)) {
      yield part;
      next = parts.next();
    }
  }
  writer.finish();
  for (let part = await next; part.done !== true; part = await parts.next()) yield part.value;
}

/** What the writer holds already; undefined once it waits for the next batch. */
async function ready(next: Promise<IteratorResult<Uint8Array>>): Promise<Uint8Array | undefined> {
  const part = await Promise.race([next, setImmediate(undefined)]);
  return part === undefined || part.done === true ? undefined : part.value;
}

function recordBatch(
  schema: Schema,
  conversions: readonly Conversion[],
  chunk: DuckDBDataChunk,
): RecordBatch {
  const children = conversions.map(({ toData }, index) => toData(chunk.getColumnValues(index)));
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: chunk.rowCount, nullCount: 0, children }));
}

function conversionOf(type: DuckDBType): Conversion {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return converted(new Bool(), (value) => value as boolean);
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
      return converted(new Int32(), (value) => value as number);
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return converted(new Float64(), (value) => value as number);
    case DuckDBTypeId.UINTEGER:
      return integers(new Int64(), (value) => BigInt(value as number));
    case DuckDBTypeId.BIGINT:
      return integers(new Int64(), (value) => value as bigint);
    case DuckDBTypeId.TIMESTAMP:
      return integers(new TimestampMicrosecond(), (value) => (value as DuckDBTimestampValue).micros);
    case DuckDBTypeId.TIMESTAMP_TZ:
      return integers(new TimestampMicrosecond('UTC'), (value) => (value as DuckDBTimestampTZValue).micros);
    case DuckDBTypeId.DATE:
      return dates();
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
      return decimals(0, (value) => value as bigint);
    case DuckDBTypeId.DECIMAL:
      return decimals((type as DuckDBDecimalType).scale, (value) => (value as DuckDBDecimalValue).value);
    default:
      return converted(new Utf8(), (value) => String(value));
  }
}

function converted<T extends DataType>(type: T, convert: (value: DuckDBValue) => unknown): Conversion {
  return {
    type,
    toData(values) {
      const vector = vectorFromArray(
        values.map((value) => (value === null ? null : convert(value))),
        type as DataType,
      );
      const [data] = vector.data;
      if (data === undefined) throw new Error('a vector has data');
      return data;
    },
  };
}

/** 64-bit values go in as they are: Arrow's own setters would take times for dates of JavaScript. */
function integers(type: Int64 | TimestampMicrosecond, toBigint: (value: DuckDBValue) => bigint): Conversion {
  return {
    type,
    toData(values) {
      const data = BigInt64Array.from(values, (value) => (value === null ? 0n : toBigint(value)));
      return makeData({ type: type as Int64, length: values.length, data, ...validity(values) });
    },
  };
}

function dates(): Conversion {
  const type = new DateDay();
  return {
    type,
    toData(values) {
      const data = Int32Array.from(values, (value) => (value === null ? 0 : (value as DuckDBDateValue).days));
      return makeData({ type, length: values.length, data, ...validity(values) });
    },
  };
}

/** Decimals of up to 38 digits: 128 bits, two's complement, the lowest word first. */
function decimals(scale: number, toUnscaled: (value: DuckDBValue) => bigint): Conversion {
  const type = new Decimal(scale, 38, 128);
  return {
    type,
    toData(values) {
      const words = new BigUint64Array(2 * values.length);
      values.forEach((value, index) => {
        const unscaled = value === null ? 0n : toUnscaled(value);
        words[2 * index] = BigInt.asUintN(64, unscaled);
        words[2 * index + 1] = BigInt.asUintN(64, unscaled >> 64n);
      });
      const data = new Uint32Array(words.buffer);
      return makeData({ type, length: values.length, data, ...validity(values) });
    },
  };
}

function validity(values: readonly DuckDBValue[]): { nullCount: number; nullBitmap: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  values.forEach((value, index) => {
    if (value === null) nullCount++;
    else nullBitmap[index >> 3] = (nullBitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return { nullCount, nullBitmap };
}
