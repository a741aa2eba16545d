import { add, zero, type Decimal } from '#core/market/decimal.ts';
import type { TradingDay } from './portfolio.ts';

export const noDay: TradingDay = { date: '', realized: new Map() };

/** The market's UTC day of a time. */
export function dateOf(timeUs: number): string {
  return new Date(Math.floor(timeUs / 1000)).toISOString().slice(0, 10);
}

/** With the profit of a sale in a quote asset. What another market trades on a day that is over counts in the newest. */
export function afterProfit(day: TradingDay, date: string, quote: string, profit: Decimal): TradingDay {
  const current = date > day.date ? { date, realized: new Map<string, Decimal>() } : day;
  if (profit === zero) return current;
  const sum = add(current.realized.get(quote) ?? zero, profit);
  return { ...current, realized: new Map(current.realized).set(quote, sum) };
}

/** With what holdings stood above their cost as the day's first prices were seen. */
export function openedDay(
  day: TradingDay,
  date: string,
  unrealized: readonly { pair: string; amount: Decimal }[],
): TradingDay {
  const opening = new Map(unrealized.map(({ pair, amount }) => [pair, amount]));
  return { date, realized: date === day.date ? day.realized : new Map(), opening };
}
