/** One market's trades, each already JSON, as a `SymbolTrades`. */
export function symbolTradesText(source: string, symbol: string, trades: readonly string[]): string {
  return `{"symbol":${JSON.stringify(symbol)},"source":${JSON.stringify(source)},"trades":[${trades.join(',')}]}`;
}

export function updateText(data: readonly string[], resumeToken: string): string {
  return `{"op":"update","channel":"trades","data":[${data.join(',')}],"resumeToken":"${resumeToken}"}`;
}

export function snapshotText(data: readonly string[], reset: boolean, resumeToken: string): string {
  return `{"op":"snapshot","channel":"trades","reset":${reset},"data":[${data.join(',')}],"resumeToken":"${resumeToken}"}`;
}
