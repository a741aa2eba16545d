/**
 * Single values as bytes, for bounds and partition summaries
 * (https://iceberg.apache.org/spec/#binary-single-value-serialization).
 */
import { IcebergError } from './errors.ts';
import { toLong } from './json.ts';
import { type Primitive, parsePrimitive } from './schema.ts';
import type { Value } from './types.ts';

/**
 * Encodes a value of a primitive type. Integers and times are little-endian, decimals big-endian two's complement in
 * as few bytes as hold them, strings UTF-8. Throws on a NaN, which may not be a bound, and on a value of another type.
 */
export function encodeValue(type: string, value: Value): Uint8Array {
  const primitive = parsePrimitive(type);
  switch (primitive.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
      break;
    case 'int':
    case 'date':
      if (typeof value === 'number' && value === (value | 0))
        return view(4, (v) => v.setInt32(0, value, true));
      break;
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      if (isInteger(value)) return encodeLong(BigInt(value), type);
      break;
    case 'float':
      if (isBound(value)) return view(4, (v) => v.setFloat32(0, value, true));
      break;
    case 'double':
      if (isBound(value)) return view(8, (v) => v.setFloat64(0, value, true));
      break;
    case 'decimal':
      if (typeof value === 'bigint') return encodeUnscaled(value, primitive.precision, type);
      break;
    case 'string':
      if (typeof value === 'string') return new TextEncoder().encode(value);
      break;
    case 'uuid':
      if (typeof value === 'string') return Buffer.from(value.replaceAll('-', ''), 'hex');
      break;
    case 'fixed':
    case 'binary':
      if (value instanceof Uint8Array) return value;
      break;
  }
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `${String(value)} (${typeof value}) is not a value of type ${type}`,
    'Pass values as the Value type says: decimals as unscaled bigints, dates as days, timestamps as µs.',
  );
}

/** Decodes what `encodeValue` wrote. A bound of 4 bytes for a long or double is read as the type it was widened from. */
export function decodeValue(type: string, bytes: Uint8Array): Value {
  const primitive = parsePrimitive(type);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return decodePrimitive(primitive, bytes, data);
  } catch (cause) {
    throw new IcebergError(
      'MALFORMED',
      `a bound of ${bytes.byteLength} bytes is not a value of type ${type}`,
      'The file that holds it was written wrongly; rewrite its manifest.',
      cause,
    );
  }
}

function decodePrimitive(primitive: Primitive, bytes: Uint8Array, data: DataView): Value {
  switch (primitive.kind) {
    case 'boolean':
      return data.getUint8(0) !== 0;
    case 'int':
    case 'date':
      return data.getInt32(0, true);
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return bytes.byteLength === 4 ? data.getInt32(0, true) : toLong(data.getBigInt64(0, true));
    case 'float':
      return data.getFloat32(0, true);
    case 'double':
      return bytes.byteLength === 4 ? data.getFloat32(0, true) : data.getFloat64(0, true);
    case 'decimal':
      return decodeUnscaled(bytes);
    case 'string':
      return new TextDecoder().decode(bytes);
    case 'uuid':
      return Buffer.from(bytes)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    case 'fixed':
    case 'binary':
      return bytes;
  }
}

/** Big-endian two's complement, in as few bytes as hold the value. */
export function encodeTwosComplement(value: bigint): Uint8Array {
  const magnitude = value < 0n ? -value - 1n : value;
  const bits = magnitude === 0n ? 0 : magnitude.toString(2).length;
  const length = Math.floor(bits / 8) + 1;
  const hex = BigInt.asUintN(length * 8, value).toString(16);
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
}

/** The integer that big-endian two's complement bytes, of any length, stand for. */
export function decodeUnscaled(bytes: Uint8Array): bigint {
  if (bytes.byteLength === 0) return 0n;
  return BigInt.asIntN(bytes.byteLength * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

/** How many bytes hold every decimal of a precision: the length of the `fixed` that Avro stores it in. */
export function decimalByteLength(precision: number): number {
  return encodeTwosComplement(10n ** BigInt(precision) - 1n).byteLength;
}

function encodeUnscaled(value: bigint, precision: number, type: string): Uint8Array {
  const limit = 10n ** BigInt(precision);
  if (value >= limit || value <= -limit) {
    throw new IcebergError('INVALID_ARGUMENT', `${value} overflows ${type}`, 'Check the unscaled value.');
  }
  return encodeTwosComplement(value);
}

function encodeLong(value: bigint, type: string): Uint8Array {
  if (BigInt.asIntN(64, value) !== value) {
    throw new IcebergError('INVALID_ARGUMENT', `${value} overflows ${type}`, 'Check the value and its unit.');
  }
  return view(8, (v) => v.setBigInt64(0, value, true));
}

function isInteger(value: Value): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
}

function isBound(value: Value): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function view(length: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(new DataView(bytes.buffer));
  return bytes;
}
