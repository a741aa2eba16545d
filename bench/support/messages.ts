/** Combined-stream messages as Binance sends them, each a function of its market, id and time. */
export function tradeMessage(symbol: string, tradeId: number, timestampUs: number): string {
  const price = `${1_000 + (tradeId % 500)}.25000000`;
  const quantity = `0.${(tradeId % 900) + 100}00000`;
  return (
    `{"stream":"${symbol.toLowerCase()}@trade","data":{"e":"trade","E":${timestampUs},"s":"${symbol}",` +
    `"t":${tradeId},"p":"${price}","q":"${quantity}","T":${timestampUs},"m":${tradeId % 2 === 0},"M":true}}`
  );
}

/** Messages of the ids from `firstId` on, the markets taking turns. */
export function tradeMessages(symbols: readonly string[], firstId: number, messages: number): string[] {
  const startUs = Date.now() * 1_000;
  return Array.from({ length: messages }, (_, index) => {
    const symbol = symbols[index % symbols.length] ?? '';
    return tradeMessage(symbol, firstId + Math.floor(index / symbols.length), startUs + index);
  });
}
