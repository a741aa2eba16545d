import { IcebergError } from './errors.ts';
import { toLong } from './json.ts';
import { parsePrimitive } from './schema.ts';
import type { Value } from './types.ts';

/**
 * Reads a value of a primitive type from the text that engines print it as: `2026-11-21`, `12.50`,
 * `2026-11-21 05:49:40.123456+00`, `true`. Fractions of a second beyond the microsecond are refused, as are decimal
 * digits beyond the type's scale.
 */
export function parseValue(type: string, text: string): Value {
  const primitive = parsePrimitive(type);
  switch (primitive.kind) {
    case 'string':
    case 'uuid':
      return text;
    case 'boolean':
      // DuckDB's statistics print 0 and 1.
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      break;
    case 'int':
      if (/^-?\d+$/.test(text)) return Number(text);
      break;
    case 'long':
      if (/^-?\d+$/.test(text)) return toLong(BigInt(text));
      break;
    case 'float':
    case 'double':
      if (text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text);
      break;
    case 'decimal': {
      const unscaled = parseDecimal(text, primitive.scale);
      if (unscaled !== undefined) return unscaled;
      break;
    }
    case 'date':
      if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return Date.parse(`${text}T00:00:00Z`) / 86_400_000;
      break;
    case 'timestamp':
    case 'timestamptz': {
      const micros = parseTimestamp(text);
      if (micros !== undefined) return micros;
      break;
    }
    case 'time':
    case 'fixed':
    case 'binary':
      break;
  }
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `"${text}" is not a value of type ${type}`,
    'Write dates as 2026-11-21, timestamps as 2026-11-21 05:49:40.123456+00, decimals as 12.50.',
  );
}

function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return undefined;
  const magnitude = BigInt(`${match[2] ?? ''}${fraction.padEnd(scale, '0')}`);
  return match[1] === '-' ? -magnitude : magnitude;
}

function parseTimestamp(text: string): number | bigint | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(text);
  if (match === null) return undefined;
  const [, date = '', time = '00:00:00', fraction = '', zone = 'Z'] = match;
  const offset = zone.length === 3 ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const ms = Date.parse(`${date}T${time}${offset}`);
  if (Number.isNaN(ms)) return undefined;
  return toLong(BigInt(ms) * 1_000n + BigInt(fraction.padEnd(6, '0')));
}

/** Orders two values of one type as Iceberg does: numbers by size, text and bytes by their unsigned bytes. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}
