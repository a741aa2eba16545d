import type { MarketTape } from '#core/exchanges/simulator/market-tape.ts';

/** What its trades say about minutes [from, to). */
export function fromTrades(tape: MarketTape, from: number, to: number) {
  let [count, volume, buyVolume, high, low] = [0, 0, 0, 0, Infinity];
  let [quoteVolume, buyQuoteVolume] = [0n, 0n];
  let open: number | undefined;
  let close: number | undefined;
  for (let minute = from; minute < to; minute++) {
    const { price, lots, buyerIsMaker } = tape.trades(minute);
    price.forEach((ticks, i) => {
      const quantity = lots[i] ?? NaN;
      const quote = BigInt(ticks) * BigInt(quantity);
      open ??= ticks;
      close = ticks;
      high = Math.max(high, ticks);
      low = Math.min(low, ticks);
      count++;
      volume += quantity;
      quoteVolume += quote;
      if (buyerIsMaker[i] === 1) return;
      buyVolume += quantity;
      buyQuoteVolume += quote;
    });
  }
  return { open, high, low, close, volume, quoteVolume, count, buyVolume, buyQuoteVolume };
}
