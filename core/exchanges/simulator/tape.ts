import { LRUCache } from 'lru-cache';
import { livesOf, type Incident } from './incidents.ts';
import { MarketTape, type Caches } from './market-tape.ts';
import { marketsOf, renewed } from './markets.ts';

export interface TapeOptions {
  seed: number;
  /** How many markets are listed. */
  symbols: number;
  /** Multiplies the number of trades; another rate is another tape. */
  rate?: number;
}

const daysKept = 1_200;
const minutesKept = 2_000;
const totalsKept = 100_000;

/**
 * Every trade of every market from listing on, as a pure function of (seed, market, minute) and of the incidents: any
 * part can be asked for first, nothing else is generated, and what was asked for lately is kept in bounded caches. Ids of
 * a coin's trades follow each other without holes.
 */
export class Tape {
  readonly seed: number;
  /** The first coin of each name. */
  readonly markets: readonly MarketTape[];
  readonly #rate: number;
  readonly #caches: Caches;
  readonly #listings: ReadonlyMap<string, MarketTape[]>;

  constructor({ seed, symbols, rate = 1 }: TapeOptions) {
    this.#caches = {
      days: new LRUCache({ max: daysKept }),
      minutes: new LRUCache({ max: minutesKept }),
      totals: new LRUCache({ max: totalsKept }),
    };
    this.seed = seed;
    this.#rate = rate;
    const shared = { listing: 1, rate, caches: this.#caches };
    this.markets = marketsOf(seed, symbols).map((market) => new MarketTape({ market, ...shared }));
    this.#listings = new Map(this.markets.map((tape) => [tape.market.symbol, [tape]]));
  }

  /** The coin that has this name at a time, the first one where no time is given; it may not be listed yet. */
  market(symbol: string, ms = -Infinity): MarketTape | undefined {
    const listings = this.listings(symbol);
    return listings.findLast((tape) => tape.isListed(ms)) ?? listings[0];
  }

  /** All coins that had, have or will have this name, in order. */
  listings(symbol: string): readonly MarketTape[] {
    return this.#listings.get(symbol) ?? [];
  }

  /** The coins that have the names at a time, but those whose names are gone or not listed yet. */
  listedAt(ms: number): MarketTape[] {
    return this.markets.flatMap(({ market }) => {
      const tape = this.market(market.symbol, ms);
      return tape?.isListed(ms) === true && !tape.isGone(ms) ? tape : [];
    });
  }

  /**
   * Makes these, and no others, what befalls the markets. Those that were in force before stay, so that nothing changes
   * that was served.
   */
  live(incidents: readonly Incident[]): void {
    for (const [symbol, listings] of this.#listings) {
      const [first] = listings;
      if (first === undefined) continue;
      livesOf(symbol, incidents).forEach(({ life, listedDay, isContinued }, i) => {
        const held = listings[i];
        const tape = held ?? this.#renew(first, i + 1, listedDay, isContinued ? listings[i - 1] : undefined);
        if (held === undefined) listings.push(tape);
        tape.life = life;
      });
    }
    for (const cache of Object.values(this.#caches) as { clear(): void }[]) cache.clear();
  }

  #renew(first: MarketTape, listing: number, day: number, continues: MarketTape | undefined): MarketTape {
    const market = renewed(this.seed, first.market, listing, day);
    return new MarketTape({ market, listing, rate: this.#rate, caches: this.#caches, continues });
  }
}
