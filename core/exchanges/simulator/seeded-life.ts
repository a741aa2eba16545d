import type { Incident } from './incidents.ts';
import type { Market } from './markets.ts';
import { hashOf, mix, Random } from './random.ts';

const minutesPerDay = 1_440;
const firstYear = 2018;
const lastYear = 2035;
/** Markets that stay: the first of the list are what most tests and demos look at. */
const steadfast = 10;

/**
 * What befalls the markets of an eventful tape, a pure function of (seed, market): two outages a year of one to six
 * hours; for markets beyond the first ten, now and then a halt, and for one in five the end, half of whose names go to
 * another coin later.
 */
export function seededLife(seed: number, markets: readonly Market[]): Incident[] {
  const outages: Incident[] = [];
  const random = new Random(mix(seed, 0x0a7a6e));
  for (let year = firstYear; year <= lastYear; year++) {
    for (let half = 0; half < 2; half++) {
      const from = Date.UTC(year, half * 6) / 60_000 + random.below(180 * minutesPerDay);
      outages.push({ kind: 'outage', from, to: from + 60 + random.below(300) });
    }
  }
  return [...outages, ...markets.flatMap((market, i) => (i < steadfast ? [] : lifeOf(seed, market)))];
}

function lifeOf(seed: number, { symbol, listingDay }: Market): Incident[] {
  const random = new Random(hashOf(seed, `life of ${symbol}`));
  const incidents: Incident[] = [];
  const listed = listingDay * minutesPerDay;
  const end = Date.UTC(lastYear, 0) / 60_000;
  const isMortal = random.next() < 0.2;
  const from = isMortal
    ? listed + (365 + random.below(1_200)) * minutesPerDay + random.below(minutesPerDay)
    : end;
  for (let at = listed; ;) {
    at += Math.floor((120 + 1_500 * random.next()) * minutesPerDay);
    const to = at + 30 + random.below(600);
    if (to >= from) break;
    incidents.push({ kind: 'halt', symbol, from: at, to });
  }
  if (!isMortal) return incidents;
  incidents.push({ kind: 'delisting', symbol, from });
  if (random.next() < 0.5) return incidents;
  const day = Math.ceil(from / minutesPerDay) + 10 + random.below(300);
  const ids = random.next() < 0.5 ? 'restart' : 'continue';
  return [...incidents, { kind: 'relisting', symbol, from: day * minutesPerDay, ids }];
}
