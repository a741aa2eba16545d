import { describe, expect, it } from 'vitest';
import { encodeValue } from '#core/iceberg/bounds.ts';
import { localPath } from '#core/iceberg/location.ts';
import { applyTransform } from '#core/iceberg/partition.ts';
import { compareValues, parseValue } from '#core/iceberg/values.ts';

describe('parseValue', () => {
  it.each([
    ['decimal(38, 18)', '-0.000000000000000001', -1n],
    ['decimal(38,18)', '12', 12_000_000_000_000_000_000n],
    ['decimal(9, 2)', '1.50000', 150n],
    ['date', '1969-12-31', -1],
    ['timestamptz', '1970-01-01 00:00:00.000001+00', 1],
    ['timestamptz', '1970-01-01T02:00:01.5+02:00', 1_500_000],
    ['timestamptz', '1969-12-31 23:59:59.999999+00', -1],
    ['timestamp', '1970-01-02', 86_400_000_000],
    ['long', '9223372036854775807', 9_223_372_036_854_775_807n],
    ['boolean', 'true', true],
    ['string', ' text ', ' text '],
  ])('reads a %s from %s', (type, text, value) => {
    expect(parseValue(type, text)).toBe(value);
  });

  it.each([
    ['decimal(9, 2)', '1.501'],
    ['decimal(9, 2)', '1e3'],
    ['long', '1.5'],
    ['date', '01/02/2026'],
    ['timestamptz', '2026-01-01 00:00:00.0000001+00'],
    ['timestamptz', 'yesterday'],
    ['double', ''],
    ['boolean', 'yes'],
  ])('refuses a %s from "%s"', (type, text) => {
    expect(() => parseValue(type, text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    );
  });
});

describe('encodeValue', () => {
  it.each([
    ['double', NaN],
    ['int', 2 ** 31],
    ['long', 2n ** 63n],
    ['decimal(4, 2)', 10_000n],
    ['decimal(4, 2)', 12.5],
    ['string', 5],
  ])('refuses for %s the value %s', (type, value) => {
    expect(() => encodeValue(type, value)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    );
  });
});

describe('transforms', () => {
  it('count months and days from 1970, also before it', () => {
    const micros = parseValue('timestamptz', '1969-12-31 23:59:59.999999+00');
    expect(applyTransform('month', 'timestamptz', micros)).toBe(-1);
    expect(applyTransform('day', 'timestamptz', micros)).toBe(-1);
    expect(applyTransform('month', 'date', parseValue('date', '2026-02-28'))).toBe(673);
    expect(applyTransform('identity', 'string', 'x')).toBe('x');
    expect(() => applyTransform('bucket[4]', 'string', 'x')).toThrow(/bucket/);
  });
});

describe('compareValues', () => {
  it('orders text by its bytes and mixes numbers with bigints', () => {
    // UTF-16 would put the surrogate pair of U+1F600 below U+FF21.
    expect(compareValues('\u{1F600}', '\uFF21')).toBeGreaterThan(0);
    expect(compareValues(2, 3n)).toBeLessThan(0);
    expect(compareValues(Uint8Array.of(128), Uint8Array.of(127))).toBeGreaterThan(0);
  });
});

describe('localPath', () => {
  it.each([
    ['/x/y', '/x/y'],
    ['file:/x/y', '/x/y'],
    ['file:///x/symbol=ETH%2FUSDT/y', '/x/symbol=ETH%2FUSDT/y'],
    ['s3://bucket/x', undefined],
  ])('reads %s as %s', (location, path) => {
    expect(localPath(location)).toBe(path);
  });
});
