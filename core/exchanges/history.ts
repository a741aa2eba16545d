import { intervalUs, type Interval } from '#core/market/interval.ts';
import type { Exchange, ExchangeKline } from './exchange.ts';

export interface KlineWindow {
  symbol: string;
  interval: Interval;
  /** Open times from `fromUs` on and before `toUs`. */
  fromUs: number;
  toUs: number;
  /** The venue's clock, where it was asked already. */
  nowUs?: number;
}

/** Most bars in one answer of a venue's REST. */
export const klinesPerAnswer = 1_000;

/**
 * The bars of a window, oldest first, an answer of the venue at a time (the weight of one request each). Only closed
 * bars: the venue's clock, asked for before the first answer, had passed their end. A bar the venue does not have is
 * not among them. Throws what {@link Exchange.klines} throws.
 */
export async function* closedKlines(
  exchange: Exchange,
  { symbol, interval, fromUs, toUs, ...clock }: KlineWindow,
  signal?: AbortSignal,
): AsyncGenerator<ExchangeKline[]> {
  const lengthUs = intervalUs(interval);
  const nowUs = clock.nowUs ?? (await exchange.timeUs(signal));
  const endUs = Math.min(toUs, Math.floor(nowUs / lengthUs) * lengthUs);
  for (let nextUs = fromUs; nextUs < endUs;) {
    const request = { symbol, interval, fromUs: nextUs, toUs: endUs - 1, limit: klinesPerAnswer };
    const bars = await exchange.klines(request, signal);
    const last = bars.at(-1);
    if (last === undefined) return;
    yield bars.map((bar) => ({ ...bar, isClosed: true }));
    if (bars.length < klinesPerAnswer) return;
    nextUs = last.openTimeUs + lengthUs;
  }
}

/**
 * Id of the first trade at or after an instant; undefined where there is none yet. Where a market's name was used by
 * another coin before, this is an id of the coin that had it then.
 */
export async function firstTradeIdFrom(
  exchange: Exchange,
  symbol: string,
  fromUs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const [first] = await exchange.aggTrades({ symbol, fromUs, limit: 1 }, signal);
  return first?.firstTradeId;
}
