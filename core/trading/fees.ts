import { parseDecimal } from '#core/market/decimal.ts';
import type { Surroundings } from './command.ts';

/** Of the paper venue, as shares of what is paid or received: Binance's first step. */
export const paperFees: Surroundings['fees'] = {
  maker: parseDecimal('0.001'),
  taker: parseDecimal('0.001'),
};
