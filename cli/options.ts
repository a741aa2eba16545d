import { InvalidArgumentError } from 'commander';

/** Parsers of option values, for commander: each says in one line what it wants. */

/** A whole number of at least 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
}

/** A whole number of at least 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a whole number of at least 0.');
}

/** A day or an instant in UTC: `2024-03-05`, `2024-03-05T12:00:00Z`. */
export function instant(text: string): Date {
  const time = new Date(text);
  const isUtc = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text);
  if (isUtc && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(
    'It must be a day or an instant, such as 2024-03-05 or 2024-03-05T12:00:00Z.',
  );
}

/** `A,B` → `['A', 'B']`, in upper case. */
export function symbolList(text: string): string[] {
  const symbols = text.split(',').map((symbol) => symbol.trim().toUpperCase());
  if (symbols.every((symbol) => symbol !== '')) return symbols;
  throw new InvalidArgumentError('It must be symbols with commas between them, such as BTCUSDT,ETHUSDT.');
}

/** `90s`, `10m`, `12h` or `5d`, in milliseconds; 0 is all there is. */
export function age(text: string): number {
  const [, count, unit = 's'] = /^(\d+)([smhd])?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('Write it as 90s, 10m, 12h or 5d.');
  const ms = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 1_000;
  return Number(count) * ms;
}
