import { resolve } from 'node:path';

/** Where recorded market data lie: what TICKLAKE_MARKET_DATA names, else beside the project, as for the tests. */
export const marketData =
  process.env['TICKLAKE_MARKET_DATA'] ?? resolve(import.meta.dirname, '../../../shared/market-data');
