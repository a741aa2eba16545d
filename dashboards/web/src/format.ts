import { decimalText, onGrid, parseDecimal, type Decimal } from '#api/client/index.ts';

const whole = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 });

/** Assets that are counted in hundredths. */
const moneyAssets = /USD|EUR|GBP|TRY|BRL|JPY|DAI/;

/** Decimal text with thousands grouped and two places at least, without the zeros a venue pads it with beyond those. */
export function price(text: string): string {
  const [units = '', fraction = ''] = text.split('.');
  return joined(units, fraction.replace(/0+$/, '').padEnd(2, '0'));
}

/** What is paid or held of an asset: money with two places, a coin with up to eight. */
export function amount(text: string, asset = ''): string {
  const isMoney = moneyAssets.test(asset);
  const step = parseDecimal(isMoney ? '0.01' : '0.00000001');
  const rounded = decimalText(onGrid(parseDecimal(text), step, 'half-even'));
  const [units = '', fraction = ''] = rounded.split('.');
  return joined(units, isMoney ? fraction.padEnd(2, '0') : fraction);
}

/** The same with its sign, also where it is above 0. */
export function signed(text: string, asset?: string): string {
  const shown = amount(text, asset);
  return /[1-9]/.test(shown) && !shown.startsWith('-') ? `+${shown}` : shown.replace('-', '−');
}

/** Text that stands for a decimal, or undefined while it does not. */
export function decimalOf(text: string): Decimal | undefined {
  try {
    return parseDecimal(text.trim());
  } catch {
    return undefined;
  }
}

function joined(units: string, fraction: string): string {
  const grouped = units.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === '' ? grouped : `${grouped}.${fraction}`;
}

export function count(value: number): string {
  return whole.format(value);
}

export function short(value: number): string {
  return compact.format(value);
}

export function percent(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(2).replace('-', '−')} %`;
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const unit = units[power] ?? 'B';
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${unit}`;
}

/** A statistic with as many digits as its size asks for. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 1_000 ? 2 : size >= 1 ? 3 : size >= 0.001 ? 5 : 8);
}

/** Seconds in their two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}

/** A time in microseconds since 1970 as a day, or a minute where it is not a day's begin, UTC. */
export function moment(us: number): string {
  const text = new Date(us / 1_000).toISOString();
  return text.slice(11, 19) === '00:00:00' ? text.slice(0, 10) : text.slice(0, 16).replace('T', ' ');
}

/** The time of day of an RFC 3339 time, UTC, to the millisecond. */
export function timeOfDay(time: string): string {
  return time.slice(11, 23);
}
