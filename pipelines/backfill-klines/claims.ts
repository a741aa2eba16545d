import { intervalUs, type Interval } from '#core/market/interval.ts';
import { beginsWithListing, type LoadedFile } from './explain.ts';
import type { KlineFile } from './select.ts';

/** Open times that a file of the archive is there for, half-open. */
export interface Claim {
  symbol: string;
  interval: Interval;
  lo: number;
  hi: number;
}

export interface ClaimOptions {
  /** By path, the file of the same market before it. */
  before: ReadonlyMap<string, KlineFile>;
  within: { fromUs: number; toUs: number };
  /** Bars that end later are not wanted yet. */
  nowUs: number;
  /** The caller named a span: what lies between the files is expected too. */
  isBounded: boolean;
}

/**
 * What files claim to hold, damaged ones too, so that it can be wanted: a gap where it is neither held nor explained, also
 * before the first bar and after the last. Neighbours are joined.
 */
export function claimsOf(
  files: readonly KlineFile[],
  loaded: readonly LoadedFile[],
  { before, within, isBounded, nowUs }: ClaimOptions,
): Claim[] {
  const first = new Map(loaded.map(({ file, lo }) => [file.path, lo]));
  const claims: Claim[] = [];
  for (const [, of] of Map.groupBy(files, ({ symbol, interval }) => `${symbol}/${interval}`)) {
    for (const file of of.toSorted((a, b) => a.period.fromUs - b.period.fromUs)) {
      const { symbol, interval, period } = file;
      const previous = before.get(file.path);
      const listedUs = beginsWithListing(file, previous) ? first.get(file.path) : undefined;
      const fromUs = isBounded ? (previous?.period.toUs ?? period.fromUs) : period.fromUs;
      const length = intervalUs(interval);
      const up = (us: number) => Math.ceil(us / length) * length;
      const lo = up(Math.max(listedUs ?? fromUs, within.fromUs));
      const hi = Math.min(period.toUs, up(within.toUs), Math.floor(nowUs / length) * length);
      const last = claims.at(-1);
      if (last?.symbol === symbol && last.interval === interval && last.hi === lo) last.hi = Math.max(hi, lo);
      else if (lo < hi) claims.push({ symbol, interval, lo, hi });
    }
  }
  return claims;
}
