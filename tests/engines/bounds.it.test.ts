import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '#core/iceberg/bounds.ts';
import type { Value } from '#core/iceberg/types.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = {
  ...requires((await pythonEnvironment()) !== undefined, 'Python with PyIceberg', pythonRemedy),
  // Each question starts a Python, which takes seconds on a busy machine.
  timeout: 180_000,
};

/** Unscaled values around which the number of bytes changes. */
const edges = Array.from({ length: 16 }, (_, bytes) => 128n * 256n ** BigInt(bytes)).flatMap((edge) =>
  [-1n, 0n, 1n].flatMap((off) => [edge + off, -edge + off]),
);

const decimals = fc.integer({ min: 1, max: 38 }).chain((precision) => {
  const limit = 10n ** BigInt(precision);
  const fitting = [0n, ...edges.filter((value) => value < limit && -value < limit)];
  return fc.tuple(
    fc.integer({ min: 0, max: precision }).map((scale) => `decimal(${precision}, ${scale})`),
    fc.oneof(fc.bigInt({ min: 1n - limit, max: limit - 1n }), fc.constantFrom(...fitting)),
  );
});

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
