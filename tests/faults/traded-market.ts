import {
  add,
  decimalText,
  divide,
  multiply,
  onGrid,
  parseDecimal,
  zero,
  type Decimal,
} from '#core/market/decimal.ts';

/** A market of the simulated exchange, as who sends orders to it knows it. */
export interface TradedMarket {
  symbol: string;
  base: string;
  quote: string;
  tick: Decimal;
  step: Decimal;
  /** What a trade of it has at the mean, and no less than the rules ask for. */
  tradeQuantity: Decimal;
  /** Its last price, some milliseconds old. */
  lastPrice(): Promise<Decimal>;
}

interface Listing {
  baseAsset: string;
  quoteAsset: string;
  filters: { filterType: string; tickSize?: string; stepSize?: string; minNotional?: string }[];
}

const priceMs = 250;
const meanOf = 500;
/** Above the smallest notional by so much, as prices move. */
const margin = parseDecimal('1.5');

/** Asks the exchange what the rules of a market are and how it trades. */
export async function openTradedMarket(exchangeUrl: string, symbol: string): Promise<TradedMarket> {
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${exchangeUrl}/api/v3/${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`the exchange answers ${answer.status} to ${path}`);
    return (await answer.json()) as T;
  };
  const { symbols } = await ask<{ symbols: Listing[] }>(`exchangeInfo?symbol=${symbol}`);
  const [listing] = symbols;
  if (listing === undefined) throw new Error(`there is no market ${symbol}`);
  const filter = (name: 'tickSize' | 'stepSize' | 'minNotional'): Decimal =>
    parseDecimal(listing.filters.find((of) => of[name] !== undefined)?.[name] ?? '');
  const trades = await ask<{ qty: string }[]>(`trades?symbol=${symbol}&limit=${meanOf}`);
  const lastPrice = async (): Promise<Decimal> =>
    parseDecimal((await ask<{ price: string }>(`ticker/price?symbol=${symbol}`)).price);
  const step = filter('stepSize');
  const sum = trades.map(({ qty }) => parseDecimal(qty)).reduce(add, zero);
  const mean = divide(sum, parseDecimal(String(trades.length)), 'up');
  const least = divide(multiply(filter('minNotional'), margin, 'up'), await lastPrice(), 'up');
  let known = { price: await lastPrice(), atMs: Date.now() };
  return {
    ...{ symbol, base: listing.baseAsset, quote: listing.quoteAsset, tick: filter('tickSize'), step },
    tradeQuantity: onGrid(mean > least ? mean : least, step, 'up'),
    async lastPrice() {
      if (Date.now() - known.atMs > priceMs) known = { price: await lastPrice(), atMs: Date.now() };
      return known.price;
    },
  };
}

/** A quantity as so many trades have, on the steps of the market. */
export function quantityOf({ tradeQuantity, step }: TradedMarket, trades: number): string {
  const factor = parseDecimal(Math.max(1, trades).toFixed(8));
  return decimalText(onGrid(multiply(tradeQuantity, factor, 'up'), step, 'up'));
}

/** A price so far below or above another, as a share of it, on the ticks of the market. */
export function priceAt({ tick }: TradedMarket, price: Decimal, share: number): string {
  return decimalText(onGrid(multiply(price, parseDecimal((1 + share).toFixed(8)), 'down'), tick, 'up'));
}
