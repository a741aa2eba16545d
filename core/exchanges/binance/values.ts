/**
 * A venue's time in microseconds: Binance sends milliseconds or, where asked to, microseconds; they are told
 * apart by magnitude (1e14 µs was in 1973, 1e14 ms will be in the year 5138). NaN for anything else.
 */
export function timeUs(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1e11) return NaN;
  return value >= 1e14 ? value : value * 1000;
}

/** The same rule for a time already known to be an integer, as a validated REST answer's is. */
export function integerTimeUs(value: number): number {
  return value >= 1e14 ? value : value * 1000;
}

export function isId(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value);
}

const maxDecimalLength = 64;

/** Plain decimal text: digits with at most one point between them; no sign, exponent or spaces. */
export function isDecimalText(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const length = value.length;
  if (length === 0 || length > maxDecimalLength) return false;
  let points = 0;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code >= 48 && code <= 57) continue;
    if (code !== 46 || points > 0 || i === 0 || i === length - 1) return false;
    points++;
  }
  return true;
}
