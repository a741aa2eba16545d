/** Consecutive trade ids that were taken, half-open, with the time of the last. */
export interface IdRun {
  lo: number;
  hi: number;
  lastUs: number;
}

/** A length of bars, and how long after its end trades of a bar are still taken. Microseconds. */
export interface BarLength {
  interval: string;
  lengthUs: number;
  keepUs: number;
}

/** Bars of one length that are to be said, half-open. */
export interface DueBars {
  interval: string;
  fromUs: number;
  toUs: number;
  /** A trade came to one of them after its close. */
  isLate: boolean;
  /** None before this is said, whatever came late. */
  floorUs: number;
}

export interface ResumePoint {
  /** Not all trades were taken of bars that begin before. */
  floorUs: number;
  /** Bars that end later are said, again or for the first time. */
  closedUs: number;
}

interface Awaiting {
  openUs: number;
  nextTradeId: number;
}

/** A market without trades for so long has no empty bars any more, until there is a trade. */
export const quietUs = 24 * 3_600 * 1_000_000;

/**
 * What is known of one market's tape: which ids were taken, how far its bars of some lengths are closed, and which of them wait
 * for the trade after them. Times are microseconds since 1970 UTC in the venue's time.
 */
export class LiveMarket {
  readonly #lengths: readonly BarLength[];
  /** Disjoint, in order, none touching the next. */
  #runs: IdRun[] = [];
  /** Bars that end by then are closed. */
  closedUs: number;
  /** Of bars that begin before, not all trades were taken. */
  #floorUs = 0;
  #earliestLateUs = Number.POSITIVE_INFINITY;
  readonly #awaiting = new Map<string, Awaiting>();

  constructor(lengths: readonly BarLength[], closedUs: number) {
    this.#lengths = lengths;
    this.closedUs = closedUs;
  }

  get runs(): readonly IdRun[] {
    return this.#runs;
  }

  /** Notes ids that were taken, and the time of the earliest among their trades. */
  add(run: IdRun, earliestUs: number): void {
    this.#earliestLateUs = Math.min(this.#earliestLateUs, earliestUs);
    const before = this.#runs.filter(({ hi }) => hi < run.lo);
    const after = this.#runs.filter(({ lo }) => lo > run.hi);
    const joined = [...this.#runs.slice(before.length, this.#runs.length - after.length), run];
    const last = joined.reduce((latest, each) => (each.hi > latest.hi ? each : latest));
    const lo = Math.min(...joined.map((each) => each.lo));
    this.#runs = [...before, { lo, hi: last.hi, lastUs: last.lastUs }, ...after];
  }

  has(tradeId: number): boolean {
    return this.#runs.some(({ lo, hi }) => lo <= tradeId && tradeId < hi);
  }

  /**
   * How far the market's time has come: as far as its ids follow each other from where it is closed, and up to the watermark
   * at least, unless nothing was traded for long: nobody wants empty bars of what is halted or gone.
   */
  horizon(watermarkUs: number | undefined): number {
    const following = this.#runs.find(({ lastUs }) => lastUs >= this.closedUs);
    const newestUs = this.#runs.at(-1)?.lastUs ?? 0;
    const waitedUs = watermarkUs === undefined ? 0 : Math.min(watermarkUs, newestUs + quietUs);
    return Math.max(this.closedUs, following?.lastUs ?? 0, waitedUs);
  }

  /** Which bars are to be said when its time has come to the horizon: those that end by it, and those said that changed. */
  due(horizonUs: number): DueBars[] {
    const lateUs = this.#earliestLateUs;
    return this.#lengths.flatMap(({ interval, lengthUs, keepUs }) => {
      const open = (us: number): number => Math.floor(us / lengthUs) * lengthUs;
      const toUs = open(horizonUs);
      const isLate = lateUs < open(this.closedUs);
      const awaiting = this.#awaiting.get(interval);
      const isFollowed = awaiting !== undefined && this.has(awaiting.nextTradeId);
      if (toUs === open(this.closedUs) && !isLate && !isFollowed) return [];
      const wantedUs = Math.min(
        open(this.closedUs),
        isLate ? open(lateUs) : Number.POSITIVE_INFINITY,
        isFollowed ? awaiting.openUs : Number.POSITIVE_INFINITY,
      );
      const fromUs = Math.max(wantedUs, open(this.closedUs - keepUs), this.#floorUs);
      return fromUs < toUs ? [{ interval, fromUs, toUs, isLate, floorUs: this.#floorUs }] : [];
    });
  }

  /** Goes on where another left off. */
  resume({ floorUs, closedUs }: ResumePoint): void {
    this.#floorUs = floorUs;
    this.closedUs = closedUs;
    this.#earliestLateUs = Number.POSITIVE_INFINITY;
  }

  /** Notes that bars were said up to a horizon. */
  close(horizonUs: number): void {
    this.closedUs = Math.max(this.closedUs, horizonUs);
    for (const [interval, { nextTradeId }] of this.#awaiting) {
      if (this.has(nextTradeId)) this.#awaiting.delete(interval);
    }
    this.#earliestLateUs = Number.POSITIVE_INFINITY;
  }

  /** Notes the newest bar with trades of those said of one length: the trade after it proves what follows it. */
  said(interval: string, openUs: number, lastTradeId: number): void {
    if (this.has(lastTradeId + 1)) this.#awaiting.delete(interval);
    else this.#awaiting.set(interval, { openUs, nextTradeId: lastTradeId + 1 });
  }

  /** Below this id nothing is taken any more. */
  forgetBelow(tradeId: number): void {
    const kept = this.#runs.filter(({ hi }) => hi > tradeId);
    const [first, ...rest] = kept;
    if (first !== undefined) this.#runs = [{ ...first, lo: Math.min(0, first.lo) }, ...rest];
  }
}
