import type { OrderAnswer, VenueRejectCode } from '#core/exchanges/order-venue.ts';
import type { SignedAnswer } from './signed-client.ts';

type Rejected = Extract<OrderAnswer, { kind: 'rejected' }>;
type Refused = Extract<SignedAnswer<unknown>, { kind: 'refused' }>;

/** Codes that the documentation of errors gives one meaning. */
const byCode = new Map<number, VenueRejectCode>([
  [-1002, 'KEY_REFUSED'],
  [-1003, 'RATE_LIMITED'],
  [-1013, 'SYMBOL_RULE'],
  [-1015, 'RATE_LIMITED'],
  [-1021, 'CLOCK'],
  [-1022, 'KEY_REFUSED'],
  [-1111, 'SYMBOL_RULE'],
  [-1121, 'UNKNOWN_SYMBOL'],
  [-2011, 'NOT_OPEN'],
  [-2014, 'KEY_REFUSED'],
  [-2015, 'KEY_REFUSED'],
]);

/** The matching engine's own words, which come with -2010 and others: they say more than the code. */
const byWords: readonly (readonly [RegExp, VenueRejectCode])[] = [
  [/insufficient balance/i, 'INSUFFICIENT_BALANCE'],
  [/immediately match and take/i, 'POST_ONLY_WOULD_TAKE'],
  [/would trigger immediately/i, 'STOP_PRICE_REACHED'],
  [/market is closed/i, 'MARKET_CLOSED'],
];

/** The venue's no as one of ours. */
export function rejectionOf({ status, code, message }: Refused): Rejected {
  const named = byWords.find(([words]) => words.test(message))?.[1];
  const known = named ?? (code === undefined ? undefined : byCode.get(code));
  const fallback = status === 429 || status === 418 ? 'RATE_LIMITED' : 'OTHER';
  return rejected(known ?? fallback, message, code);
}

export function rejected(code: VenueRejectCode, message: string, venueCode?: number): Rejected {
  return { kind: 'rejected', code, message, ...(venueCode === undefined ? {} : { venueCode }) };
}

/** There is an open order of this client order id already, which can only be the one that was asked for. */
export function isDuplicate({ message }: Refused): boolean {
  return /duplicate order/i.test(message);
}
