import { multiply, type Decimal } from '#core/market/decimal.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Step } from '#core/trading/analytics/steps.ts';
import { valuesOver, type Value, type WorthAt } from '#core/trading/analytics/value.ts';
import type { Markets } from '#core/trading/markets.ts';
import type { Closes, PriceHistory } from '../price-history.ts';
import { readVenueTime, type VenueTime } from './venue-clock.ts';

/** What values are reckoned from. */
export interface ValuationDeps {
  database: Pick<Transaction, 'query'>;
  markets: Markets;
  prices: PriceHistory;
  defaultSource: string;
}

/** Balances over time, and when they are to be valued beside each time that money moved. */
export interface ValuedSteps {
  steps: readonly Step[];
  instants: readonly number[];
}

export interface ValuationRequest {
  groups: readonly ValuedSteps[];
  valuedIn: string;
  /** At this moment last prices count, before it closes. */
  nowUs: number;
}

const minuteUs = 60_000_000;

/**
 * What balances were worth: at closes of the market's minutes as they were known then, and at last prices now. One read of
 * the lake, whatever the number of groups. @throws TIMEOUT, OVERLOADED
 */
export async function valuesOf(
  { database, markets, prices, defaultSource: source }: ValuationDeps,
  { groups, valuedIn, nowUs }: ValuationRequest,
  signal: AbortSignal,
): Promise<Value[][]> {
  const assets = new Set(groups.flatMap(({ steps }) => steps.map(({ asset }) => asset)));
  const symbols = new Map<string, string>();
  for (const asset of assets) {
    const market = asset === valuedIn ? undefined : markets.find(source, asset, valuedIn);
    if (market !== undefined) symbols.set(asset, market.rules.symbol);
  }
  const venueTime = await readVenueTime(database, source);
  const minuteOf = (atUs: number): number => minuteAt(venueTime, atUs);
  const times = groups.flatMap((group) => momentsOf(group)).filter((atUs) => atUs < nowUs);
  const timesUs = [...new Set(times.map(minuteOf))];
  const closes = await prices.closes({ source, symbols: [...symbols.values()], timesUs }, signal);

  const worthAt: WorthAt = (asset, amount, atUs) => {
    if (asset === valuedIn) return { worth: amount, ageUs: 0 };
    const found =
      atUs >= nowUs
        ? lastPrice(markets.find(source, asset, valuedIn))
        : closeAt(closes, symbols.get(asset), minuteOf(atUs), venueTime(atUs));
    return found && { worth: multiply(amount, found.price, 'down'), ageUs: found.ageUs };
  };
  return groups.map(({ steps, instants }) => valuesOver(steps, instants, worthAt));
}

/** How often money moved after the first instant: each such moment is valued as well. */
export function flowsOf({ steps, instants }: ValuedSteps): number {
  const [first = 0] = instants;
  return steps.filter(({ isFlow, atUs }) => isFlow && atUs > first).length;
}

function momentsOf({ steps, instants }: ValuedSteps): number[] {
  const [first = 0] = instants;
  const flows = steps.filter(({ isFlow, atUs }) => isFlow && atUs > first).map(({ atUs }) => atUs);
  return [...instants, ...flows];
}

function minuteAt(venueTime: VenueTime, atUs: number): number {
  return Math.floor(venueTime(atUs) / minuteUs) * minuteUs;
}

function closeAt(
  closes: Closes,
  symbol: string | undefined,
  minuteUsAt: number,
  timeUs: number,
): { price: Decimal; ageUs: number } | undefined {
  const close = symbol === undefined ? undefined : closes.get(symbol)?.get(minuteUsAt);
  return close && { price: close.price, ageUs: Math.max(0, timeUs - close.closedUs) };
}

function lastPrice(market: ReturnType<Markets['find']>): { price: Decimal; ageUs: number } | undefined {
  return market?.last && { price: market.last.price, ageUs: Math.max(0, market.timeUs - market.last.timeUs) };
}
