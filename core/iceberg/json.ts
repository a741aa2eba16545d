/** A 64-bit integer: a number where that is exact, else a bigint, so that `===` compares ids. */
export type Long = number | bigint;

/** Narrows a bigint to a number where no digit is lost. */
export function toLong(value: bigint): Long {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

const longDigits = /\d{16}/;
const integer = /^-?\d+$/;

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;
// ECMAScript 2025 (JSON.parse source text access), in Node since 22; TypeScript's library does not declare it yet.
const json = JSON as unknown as {
  parse(text: string, reviver: SourceReviver): unknown;
  rawJSON(text: string): unknown;
};

/** `JSON.parse` that keeps integers beyond 2^53 (Java's snapshot ids) exact, as bigints. */
export function parseJson(text: string): unknown {
  if (!longDigits.test(text)) return JSON.parse(text);
  return json.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
    return integer.test(source) ? BigInt(source) : value;
  });
}

/** `JSON.stringify` that writes bigints as plain integers. */
export function stringifyJson(value: unknown): string {
  try {
    // Without a replacer it is several times faster, and most tables hold no bigint, on which it throws.
    return JSON.stringify(value);
  } catch {
    return JSON.stringify(value, (_key, member: unknown) =>
      typeof member === 'bigint' ? json.rawJSON(member.toString()) : member,
    );
  }
}
