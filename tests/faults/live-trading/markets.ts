import { parseDecimal } from '#core/market/decimal.ts';
import { openTradedMarket, type TradedMarket } from '../traded-market.ts';
import type { UpProcess } from '../up-process.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];

/** Markets whose last prices are asked for at the API until it answers, as both it and the exchange are killed. */
export async function openMarkets(up: UpProcess): Promise<TradedMarket[]> {
  const lastPrice = async (symbol: string) => {
    let price: string | undefined;
    await up.until(`a price of ${symbol}`, async () => {
      const answer = await fetch(`http://127.0.0.1:${up.apiPort}/v1/markets/${symbol}`);
      ({ lastPrice: price } = (await answer.json()) as { lastPrice?: string });
      return answer.ok && price !== undefined;
    });
    return parseDecimal(price ?? '');
  };
  await Promise.all(symbols.map(lastPrice));
  const exchange = await up.exchangeUrl();
  const markets = await Promise.all(symbols.map((symbol) => openTradedMarket(exchange, symbol)));
  return markets.map((market) => ({ ...market, lastPrice: () => lastPrice(market.symbol) }));
}
