import type { Exchange } from '#core/exchanges/exchange.ts';
import { openTimeUs } from '#core/market/interval.ts';

/** Ids of the trades of one UTC day. */
export interface TradeDay {
  /** `YYYY-MM-DD` */
  day: string;
  lo: number;
  hi: number;
}

export interface TradeDaysRequest {
  exchange: Exchange;
  symbol: string;
  /** Whole days are wanted: the one that holds `fromUs` is the first, the one that holds `toUs - 1` the last. */
  fromUs: number;
  toUs: number;
  /** The first id of days that is known already: nothing is asked for these. */
  known: ReadonlyMap<string, number>;
  signal?: AbortSignal;
}

const dayUs = 86_400_000_000;

/**
 * Which ids belong to which day of the coin that has a name now, oldest first; days without trades are left out. Asks
 * for the first trade of each day that is not known, and for the newest one.
 */
export async function tradeDays(request: TradeDaysRequest): Promise<TradeDay[]> {
  const { exchange, symbol, toUs, known, signal } = request;
  const marks: { day: string; lo: number }[] = [];
  let dayAt = openTimeUs(request.fromUs, '1d');
  for (; dayAt < toUs; dayAt += dayUs) {
    const day = dayOf(dayAt);
    const lo = known.get(day) ?? (await firstIdFrom(exchange, symbol, dayAt, signal));
    if (lo === undefined) break;
    marks.push({ day, lo });
  }
  const endId =
    (dayAt < toUs ? undefined : await firstIdFrom(exchange, symbol, dayAt, signal)) ??
    (await nextId(exchange, symbol, signal));
  return marks.flatMap(({ day, lo }, i) => {
    const hi = marks[i + 1]?.lo ?? endId;
    return lo < hi ? [{ day, lo, hi }] : [];
  });
}

/** The id of the first trade at or after an instant; none where nothing was traded since. */
async function firstIdFrom(
  exchange: Exchange,
  symbol: string,
  fromUs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const [trade] = await exchange.aggTrades({ symbol, fromUs, limit: 1 }, signal);
  return trade?.firstTradeId;
}

async function nextId(exchange: Exchange, symbol: string, signal?: AbortSignal): Promise<number> {
  const newest = (await exchange.aggTrades({ symbol, limit: 1 }, signal)).at(-1);
  return newest === undefined ? 0 : newest.lastTradeId + 1;
}

function dayOf(us: number): string {
  return new Date(us / 1_000).toISOString().slice(0, 10);
}
