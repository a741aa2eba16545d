import { units, zero, type Decimal } from '#core/market/decimal.ts';
import { messageOf } from '#core/platform/errors.ts';
import { apply, emptyPortfolio } from './apply.ts';
import { canonicalText, chainHash, genesis, parseCanonical, parseEvent, type StoredEvent } from './codec.ts';
import type { NumberedEvent } from './event.ts';
import { entriesOf } from './ledger.ts';
import type { Portfolio } from './portfolio.ts';

/** A link of a chain that is known from elsewhere: the head in Postgres, or one that was signed. */
export interface KnownLink {
  number: number;
  hash: Buffer;
  /** Who says so, for people. */
  source: string;
}

export interface ChainReport {
  portfolioId: string;
  /** Events that are as they were written. */
  events: number;
  /** Of the last of those. */
  hash: Buffer;
  /** Undefined where the chain is whole. */
  fault?: { number: number; detail: string };
}

/**
 * Verifies a portfolio's events from the first one on, with nothing but their texts: each follows on the one before by
 * number and by hash, is canonical, names its portfolio, books what sums to zero, and leaves no balance negative; and every
 * known link is among them. Stops at the first fault.
 */
export async function verifyChain(
  portfolioId: string,
  events: AsyncIterable<StoredEvent> | Iterable<StoredEvent>,
  known: readonly KnownLink[] = [],
): Promise<ChainReport> {
  let hash: Buffer = genesis;
  let portfolio = emptyPortfolio(portfolioId);
  const links = Map.groupBy(known, ({ number }) => number);
  const broken = (detail: string): ChainReport => {
    const fault = { number: portfolio.number + 1, detail };
    return { portfolioId, events: portfolio.number, hash, fault };
  };
  for await (const stored of events) {
    const wanted = portfolio.number + 1;
    if (stored.number !== wanted) return broken(`event ${wanted} is missing, ${stored.number} comes next`);
    const next = chainHash(hash, stored.text);
    if (!next.equals(stored.hash)) return broken('its text or hash is not what was written');
    const link = links.get(wanted)?.find(({ hash: of }) => !of.equals(next));
    if (link !== undefined) return broken(`it is another event than ${link.source} says`);
    try {
      portfolio = followed(portfolio, stored);
    } catch (error) {
      return broken(messageOf(error));
    }
    hash = next;
  }
  const beyond = known.find(({ number }) => number > portfolio.number);
  if (beyond !== undefined)
    return broken(`the chain ends before event ${beyond.number}, which ${beyond.source} says there is`);
  return { portfolioId, events: portfolio.number, hash };
}

function followed(portfolio: Portfolio, { text, number }: StoredEvent): Portfolio {
  if (canonicalText(parseCanonical(text)) !== text) throw new RangeError('its text is not canonical');
  const { portfolioId, event } = parseEvent(text);
  if (portfolioId !== portfolio.id) throw new RangeError(`it is of portfolio ${portfolioId}`);
  if (event.number !== number) throw new RangeError(`it says it is event ${event.number}`);
  for (const [asset, sum] of sumsOf(event))
    if (sum !== zero) throw new RangeError(`what it books of ${asset} does not sum to zero`);
  return apply(portfolio, event);
}

function sumsOf(event: NumberedEvent): Map<string, Decimal> {
  const sums = new Map<string, Decimal>();
  for (const { asset, amount } of entriesOf(event))
    sums.set(asset, units((sums.get(asset) ?? zero) + amount));
  return sums;
}
