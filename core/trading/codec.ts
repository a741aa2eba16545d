import { createHash } from 'node:crypto';
import { decimalText, parseDecimal, type Decimal } from '#core/market/decimal.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { NumberedEvent, TradingEvent } from './event.ts';

/** An event as it is stored: the text is what is hashed and sent, byte for byte. */
export interface StoredEvent {
  portfolioId: string;
  number: number;
  text: string;
  /** SHA-256 over the hash before and the text's bytes. */
  hash: Buffer;
}

/** The hash before a portfolio's first event. */
export const genesis = Buffer.alloc(32);

/**
 * The one text of an event: JSON without spaces, members sorted by name, decimals as strings without needless zeros,
 * what is undefined left out. It names its portfolio, so that no chain passes for another's.
 */
export function eventText(portfolioId: string, event: NumberedEvent): string {
  return canonicalText({ ...event, portfolioId });
}

/** Reads what {@link eventText} wrote. @throws DATA_CORRUPT where the text is not that of an event */
export function parseEvent(text: string): { portfolioId: string; event: NumberedEvent } {
  try {
    // What is stored passed the type when it was written, and the hash chain says that it is the same.
    const { portfolioId, ...event } = parseCanonical(text) as NumberedEvent & { portfolioId: string };
    return { portfolioId, event };
  } catch (error) {
    throw new TicklakeError('DATA_CORRUPT', `a stored event cannot be read: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Run ticklake audit verify: it names the first event that was changed.',
    });
  }
}

/** The next link of the chain. */
export function chainHash(before: Buffer, text: string): Buffer {
  return createHash('sha256').update(before).update(text).digest();
}

/** Canonical JSON of a value of plain objects, arrays, maps (as objects), text, numbers, booleans, null and decimals. */
export function canonicalText(value: unknown): string {
  if (typeof value === 'bigint') return `"${decimalText(value as Decimal)}"`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  const members = value instanceof Map ? (Object.fromEntries(value) as object) : value;
  let text = '';
  for (const name of Object.keys(members).sort()) {
    const member: unknown = members[name as keyof typeof members];
    if (member === undefined) continue;
    text += `${text === '' ? '{' : ','}${nameText(name)}:${canonicalText(member)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

/** The value of a canonical text; what stands under the name of a decimal becomes one. */
export function parseCanonical(text: string): unknown {
  return JSON.parse(text, (name, value: unknown) =>
    typeof value === 'string' && decimalNames.has(name) ? parseDecimal(value) : value,
  );
}

/** Names of the decimal members anywhere in a type. */
type DecimalName<T> = T extends Decimal
  ? never
  : T extends readonly (infer Item)[]
    ? DecimalName<Item>
    : T extends object
      ? {
          [Name in keyof T & string]: NonNullable<T[Name]> extends Decimal
            ? Name
            : DecimalName<NonNullable<T[Name]>>;
        }[keyof T & string]
      : never;

/** A member that is missing here, or is none, does not pass the types. */
const decimals: Record<DecimalName<TradingEvent>, true> = {
  amount: true,
  dailyLoss: true,
  dailyLossMax: true,
  fee: true,
  feeOutside: true,
  fees: true,
  filledQuantity: true,
  filledQuote: true,
  held: true,
  heldBefore: true,
  lastPrice: true,
  notional: true,
  orderNotionalMax: true,
  positionNotional: true,
  positionNotionalMax: true,
  price: true,
  priceCollar: true,
  quantity: true,
  queueAhead: true,
  realizedAverage: true,
  realizedFifo: true,
  released: true,
  stopPrice: true,
  worstPrice: true,
};
const decimalNames: ReadonlySet<string> = new Set(Object.keys(decimals));
const plainName = /^\w+$/;

/** Most names are words, which JSON leaves as they are. */
function nameText(name: string): string {
  return plainName.test(name) ? `"${name}"` : JSON.stringify(name);
}
