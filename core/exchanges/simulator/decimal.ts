const zeros = '00000000';
const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/** `units` × 10^-`digits` with eight decimals, as the exchange writes all numbers. `units` is a safe whole number ≥ 0. */
export function decimalText(units: number, digits: number): string {
  const one = powers[digits] ?? 10 ** digits;
  const whole = Math.floor(units / one);
  const fraction = units - whole * one;
  return `${whole}.${digits === 0 ? '' : String(fraction).padStart(digits, '0')}${zeros.slice(digits)}`;
}

/** The same for whole numbers of any size and sign. */
export function bigDecimalText(units: bigint, digits: number): string {
  const sign = units < 0n ? '-' : '';
  const text = String(units < 0n ? -units : units).padStart(digits + 1, '0');
  const point = text.length - digits;
  return `${sign}${text.slice(0, point)}.${text.slice(point)}${zeros.slice(digits)}`;
}

/** 10^-`digits`: a tick or a step. */
export function stepText(digits: number): string {
  return decimalText(1, digits);
}
