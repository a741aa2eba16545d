declare const decimal: unique symbol;

/** An amount or price, exact: a whole number of 18th places. Never mixed with `number`. */
export type Decimal = bigint & { readonly [decimal]: never };

export type Rounding = 'down' | 'up' | 'half-even';

const places = 18;
const unit = 10n ** BigInt(places);
/** `decimal(38, 18)` holds 20 digits before the point. */
const limit = 10n ** 38n;
const form = /^-?(0|[1-9]\d*)(\.\d+)?$/;

export const zero = 0n as Decimal;
export const one = unit as Decimal;

/** A decimal of 18th places that are counted already. */
export function units(count: bigint): Decimal {
  return count as Decimal;
}

/**
 * Reads decimal text: no exponent, no sign but a minus, at most 18 places that are not 0, and less than 10^20.
 * @throws RangeError for any other text.
 */
export function parseDecimal(text: string): Decimal {
  const count = parseSum(text);
  if (count >= limit || count <= -limit) throw new RangeError(`beyond decimal(38, 18): ${text}`);
  return count;
}

/** As {@link parseDecimal}, for what many decimals add up to, which may be larger than any of them. @throws RangeError */
export function parseSum(text: string): Decimal {
  if (text.length > 64 || !form.test(text)) throw new RangeError(`not a decimal: ${text.slice(0, 64)}`);
  const isNegative = text.startsWith('-');
  const [whole = '0', fraction = ''] = text.slice(isNegative ? 1 : 0).split('.');
  if (/[1-9]/.test(fraction.slice(places))) throw new RangeError(`more than ${places} places: ${text}`);
  const count = BigInt(whole) * unit + BigInt(fraction.slice(0, places).padEnd(places, '0'));
  return units(isNegative ? -count : count);
}

/** Decimal text without needless zeros: the one form that is stored and hashed. */
export function decimalText(value: Decimal): string {
  const size = value < 0n ? -value : value;
  const whole = size / unit;
  const rest = size - whole * unit;
  const sign = value < 0n ? '-' : '';
  if (rest === 0n) return `${sign}${whole}`;
  const fraction = rest.toString().padStart(places, '0');
  let end = places;
  while (fraction[end - 1] === '0') end -= 1;
  return `${sign}${whole}.${fraction.slice(0, end)}`;
}

export function add(a: Decimal, b: Decimal): Decimal {
  return units(a + b);
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return units(a - b);
}

/** The product, rounded to the 18th place: `down` is towards zero, `up` away from it. */
export function multiply(a: Decimal, b: Decimal, rounding: Rounding): Decimal {
  return units(rounded(a * b, unit, rounding));
}

/** The quotient, rounded to the 18th place. @throws RangeError where the divisor is zero. */
export function divide(a: Decimal, b: Decimal, rounding: Rounding): Decimal {
  return units(rounded(a * unit, b, rounding));
}

/** The value on a grid of steps, which is positive. */
export function onGrid(value: Decimal, step: Decimal, rounding: Rounding): Decimal {
  return units(rounded(value, step, rounding) * step);
}

export function isOnGrid(value: Decimal, step: Decimal): boolean {
  return step > 0n && value % step === 0n;
}

export function smaller(a: Decimal, b: Decimal): Decimal {
  return a < b ? a : b;
}

export function larger(a: Decimal, b: Decimal): Decimal {
  return a > b ? a : b;
}

function rounded(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  const quotient = numerator / denominator;
  const rest = numerator - quotient * denominator;
  if (rest === 0n || rounding === 'down') return quotient;
  const away = numerator < 0n === denominator < 0n ? 1n : -1n;
  if (rounding === 'up') return quotient + away;
  const [twice, whole] = [magnitude(rest) * 2n, magnitude(denominator)];
  const isUp = twice > whole || (twice === whole && quotient % 2n !== 0n);
  return isUp ? quotient + away : quotient;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
