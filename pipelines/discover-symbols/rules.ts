import type { ExchangeSymbol } from '#core/exchanges/exchange.ts';

/** What makes a market worth having. */
export interface UniverseRules {
  /** How many coins are wanted. */
  top: number;
  /** The quote in which liquidity is compared, and whose market stands for a coin. */
  quote: string;
  /** A coin enters at rank ≤ top and leaves at rank > top × (1 + hysteresis). */
  hysteresis: number;
  /** Markets against these count for nothing. */
  excludedQuotes: readonly string[];
  /** Assets that are money rather than coins: their own price is flat. */
  excludedBases: readonly string[];
}

/** National currencies, and tokens that stand for one other than the dollar. */
const fiat = words(
  'AED ARS AUD BIDR BKRW BRL BVND CHF COP CZK EUR EURI EURS GBP HUF IDR IDRT INR JPY KRW KZT MXN NGN PLN RON RUB SAR ' +
    'THB TRY UAH VND ZAR AEUR',
);

/** Tokens meant to be worth a dollar that lost their peg, their issuer or their markets. */
const unstable = words('BUSD DAI PAX SUSD TUSD USDP USDS USDSB USDSOLD UST USTC VAI');

/** Dollar tokens that hold; good quotes, but no coins. */
const stable = words('FDUSD PYUSD RLUSD USD USD1 USDC USDE USDT XUSD BFUSD');

export const defaultRules: UniverseRules = {
  top: 30,
  quote: 'USDT',
  hysteresis: 0.2,
  excludedQuotes: [...fiat, ...unstable],
  excludedBases: [...fiat, ...unstable, ...stable],
};

/** The last rank at which a coin that is in stays in: also the most coins that a universe can hold. */
export function lastRank({ top, hysteresis }: Pick<UniverseRules, 'top' | 'hysteresis'>): number {
  // 30 × 1.1 is 33.000000000000004: rounding first keeps the bound what it reads as.
  return Math.floor(Number((top * (1 + hysteresis)).toFixed(6)));
}

/**
 * Whether a base is a token that multiplies another's moves: the venue says so, or its name is an asset of the venue
 * with UP, DOWN, BULL, BEAR, 3L and the like behind it. JUP and SUPER are coins, as neither J nor S is one.
 */
export function isLeveraged(
  { base, permissions }: Pick<ExchangeSymbol, 'base' | 'permissions'>,
  assets: ReadonlySet<string>,
): boolean {
  if (permissions.includes('LEVERAGED') && !permissions.includes('SPOT')) return true;
  if (base === 'BULL' || base === 'BEAR') return true;
  const [, underlying = ''] = /^(.{2,})(?:UP|DOWN|BULL|BEAR|[2-5][LS])$/.exec(base) ?? [];
  return assets.has(underlying);
}

function words(text: string): string[] {
  return text.split(' ');
}
