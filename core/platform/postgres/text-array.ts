const textOid = 25;
const headerBytes = 20;

/** Null where it is null or undefined. */
export type Column = string | null | undefined;

/**
 * A `text[]` in Postgres' binary form, which the driver passes on as it is: the server need not take apart, nor we quote,
 * long texts.
 */
export function textArray(values: readonly Column[]): Buffer {
  let bytes = headerBytes;
  for (const value of values) bytes += 4 + Buffer.byteLength(value ?? '');
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  array.writeInt32BE(values.some(isNull) ? 1 : 0, 4);
  array.writeInt32BE(textOid, 8);
  if (values.length === 0) return array.subarray(0, 12);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  let at = headerBytes;
  for (const value of values) {
    const length = isNull(value) ? -1 : array.write(value, at + 4);
    array.writeInt32BE(length, at);
    at += 4 + Math.max(0, length);
  }
  return array;
}

/** Rows as one `text[]` a column, for `unnest`; each row has `width` values. */
export function columnsOf(rows: readonly (readonly Column[])[], width: number): Buffer[] {
  return Array.from({ length: width }, (_, column) => textArray(rows.map((row) => row[column])));
}

function isNull(value: Column): value is null | undefined {
  return value === null || value === undefined;
}
