import { one, parseDecimal, zero } from '#core/market/decimal.ts';
import type { RiskLimits } from './portfolio.ts';

/** What a portfolio begins with. Roomy: they stop slips of the finger and runaway programs, not trading. */
export const defaultLimits: RiskLimits = {
  positionNotionalMax: parseDecimal('100000000'),
  orderNotionalMax: parseDecimal('10000000'),
  openOrdersMax: 5000,
  ordersPerMinuteMax: 60_000,
  priceCollar: parseDecimal('0.2'),
  dailyLossMax: parseDecimal('1000000'),
  staleAfterMs: 60_000,
};

/** What is wrong with limits; undefined where nothing is. */
export function limitsFault(limits: RiskLimits): string | undefined {
  const { positionNotionalMax, orderNotionalMax, dailyLossMax, priceCollar } = limits;
  if (positionNotionalMax < zero || orderNotionalMax < zero || dailyLossMax < zero)
    return 'a limit is not negative';
  if (priceCollar <= zero || priceCollar > one) return 'priceCollar is above 0 and at most 1';
  const counts = [limits.openOrdersMax, limits.ordersPerMinuteMax, limits.staleAfterMs];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0))
    return 'openOrdersMax, ordersPerMinuteMax and staleAfterMs are whole and not negative';
  return undefined;
}
