const scale = 18;
const unit = 10n ** BigInt(scale);

/** Decimal text (at most 18 places) as a whole number of its 18th places. */
export function unitsOf(text: string): bigint {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const units = BigInt(whole) * unit + BigInt(fraction.padEnd(scale, '0'));
  return text.startsWith('-') ? -units : units;
}

/** The quotient of decimal text that is not negative and a count, rounded half up to so many places, as decimal text. */
export function averageOf(total: string, count: number, places = 8): string {
  const step = 10n ** BigInt(scale - places) * BigInt(count);
  const rounded = (2n * unitsOf(total) + step) / (2n * step);
  const digits = rounded.toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return `${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`;
}
