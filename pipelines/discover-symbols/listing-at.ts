import { intervalUs, type Interval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { listingId } from './listings.ts';

/** The coin that had a name in [fromUs, toUs), microseconds since 1970. */
export interface NameHolder {
  symbol: string;
  /** `BTCUSDT#1` */
  listing: string;
  fromUs: number;
  toUs: number;
}

export interface HoldersRequest {
  source: string;
  symbols: readonly string[];
  /** Of bars: a bar is the coin's that was listed within it. */
  interval?: Interval;
}

const endOfTimeUs = Number.MAX_SAFE_INTEGER;

/**
 * Who had each name, one after the other and over all time: the first coin also before its listing, and each until the
 * next one's. A name of which nothing is known is its first coin's, `<symbol>#1`.
 */
export async function nameHolders(
  db: Pick<Transaction, 'query'>,
  { source, symbols, interval }: HoldersRequest,
): Promise<NameHolder[]> {
  const { rows } = await db.query<{ symbol: string; number: number; listedUs: number }>(
    `select symbol, number, listed_us as "listedUs" from universe.listings
      where source = $1 and symbol = any($2) and number > 1 and listed_us is not null order by symbol, number`,
    [source, symbols],
  );
  const step = interval === undefined ? 1 : intervalUs(interval);
  const later = Map.groupBy(rows, ({ symbol }) => symbol);
  return [...new Set(symbols)].flatMap((symbol) => {
    const begins = (later.get(symbol) ?? []).map(({ number, listedUs }) => ({
      number,
      fromUs: Math.floor(listedUs / step) * step,
    }));
    return [{ number: 1, fromUs: 0 }, ...begins].map(({ number, fromUs }, i) => ({
      ...{ symbol, listing: listingId({ symbol, number }), fromUs },
      toUs: begins[i]?.fromUs ?? endOfTimeUs,
    }));
  });
}

/** The coin that had the name at an instant: `BTCUSDT#1`, also where nothing is known. */
export function holderAt(holders: readonly NameHolder[], symbol: string, timeUs: number): string {
  const holder = holders.findLast(
    (candidate) => candidate.symbol === symbol && candidate.fromUs <= timeUs && timeUs < candidate.toUs,
  );
  return holder?.listing ?? listingId({ symbol, number: 1 });
}

/** The coin that had the name at an instant, as {@link nameHolders} tell it. */
export async function listingAt(
  db: Pick<Transaction, 'query'>,
  source: string,
  symbol: string,
  timeUs: number,
): Promise<string> {
  return holderAt(await nameHolders(db, { source, symbols: [symbol] }), symbol, timeUs);
}
