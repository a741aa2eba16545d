import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '#core/iceberg/bounds.ts';
import type { Value } from '#core/iceberg/types.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = requires(
  (await pythonEnvironment()) !== undefined,
  'Python with PyIceberg',
  pythonRemedy,
);

const decimals = fc.integer({ min: 1, max: 38 }).chain((precision) =>
  fc.tuple(
    fc.integer({ min: 0, max: precision }).map((scale) => `decimal(${precision}, ${scale})`),
    fc.oneof(
      fc.bigInt({ min: 1n - 10n ** BigInt(precision), max: 10n ** BigInt(precision) - 1n }),
      // Where the number of bytes changes.
      fc
        .tuple(fc.integer({ min: 0, max: 15 }), fc.constantFrom(-1n, 0n, 1n), fc.constantFrom(-1n, 1n))
        .map(([bytes, off, sign]) => sign * (128n * 256n ** BigInt(bytes)) + off)
        .filter((value) => value < 10n ** BigInt(precision) && -value < 10n ** BigInt(precision)),
    ),
  ),
);

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const typedValues: fc.Arbitrary<readonly [string, Value]> = fc.oneof(
  decimals,
  fc.tuple(fc.constantFrom('int', 'date'), fc.integer()),
  fc.tuple(fc.constantFrom('long', 'timestamp', 'timestamptz'), fc.oneof(int64, fc.maxSafeInteger())),
  fc.tuple(fc.constant('double'), fc.double({ noNaN: true })),
  fc.tuple(fc.constant('float'), fc.float({ noNaN: true })),
  fc.tuple(fc.constant('string'), fc.string({ unit: 'grapheme' })),
  fc.tuple(fc.constant('boolean'), fc.boolean()),
  fc.tuple(fc.constant('uuid'), fc.uuid()),
  fc.tuple(fc.constant('binary'), fc.uint8Array()),
);

describe('bounds as bytes', needsPython, () => {
  it("are PyIceberg's, and read back", async () => {
    const cases = fc.sample(typedValues, { numRuns: 2_000 });
    const theirs = await python<string[]>(
      'engines/bounds.py',
      cases.map(([type, value]) => [type, toText(value)]),
    );
    const ours = cases.map(([type, value]) => Buffer.from(encodeValue(type, value)).toString('hex'));
    for (const [i, [type, value]] of cases.entries()) {
      expect(ours[i], `${type} ${toText(value)}`).toBe(theirs[i]);
      const back = decodeValue(type, encodeValue(type, value));
      expect(toText(back), type).toBe(toText(value));
    }
  });
});

function toText(value: Value): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Object.is(value, -0)) return '-0';
  return value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value);
}
