import type { Market } from '../markets.ts';

/** Amounts of any asset: whole numbers of 10^-8, as fine as the exchange reckons. */
export type Units = bigint;

const places = 8;

/** Decimal text of at most eight places; undefined for finer ones. Needs the form `digits[.digits]`. */
export function unitsOf(text: string): Units | undefined {
  const [whole = '0', fraction = ''] = text.split('.');
  if (/[1-9]/.test(fraction.slice(places))) return undefined;
  return BigInt(whole) * 10n ** BigInt(places) + BigInt(fraction.slice(0, places).padEnd(places, '0'));
}

export function unitsText(units: Units): string {
  const text = String(units).padStart(places + 1, '0');
  return `${text.slice(0, -places)}.${text.slice(-places)}`;
}

/** So many lots of the base asset. */
export function baseUnits({ stepDigits }: Market, lots: number): Units {
  return BigInt(lots) * 10n ** BigInt(places - stepDigits);
}

/** What so many lots cost at a price, exactly: ticks and lots together have at most eight places. */
export function quoteUnits({ tickDigits, stepDigits }: Market, ticks: number, lots: number): Units {
  return BigInt(ticks) * BigInt(lots) * 10n ** BigInt(places - tickDigits - stepDigits);
}
