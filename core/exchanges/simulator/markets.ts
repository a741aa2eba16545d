import { hashOf, mix, Random } from './random.ts';

/** A market of the simulator: what never changes about it. One tick is 10^-tickDigits, one lot 10^-stepDigits. */
export interface Market {
  symbol: string;
  base: string;
  quote: string;
  tickDigits: number;
  /** `tickDigits + stepDigits` ≤ 8, so that eight decimals hold every quote volume exactly. */
  stepDigits: number;
  minNotional: string;
  /** Days since 1970 of the first trading day, which begins at midnight. */
  listingDay: number;
  /** The price, in ticks, that the path returns to in the long run. */
  anchorTicks: number;
  /** Usual standard deviation of a day's logarithmic return. */
  dailyVolatility: number;
  tradesPerMinute: number;
  /** Average size of a trade at the anchor price. */
  lotsPerTrade: number;
  /** Seed of everything about this market. */
  hash: number;
}

interface Coin {
  base: string;
  usd: number;
  perMinute: number;
  notional: number;
  volatility: number;
  listed: string;
  digits?: readonly [tick: number, step: number];
}

const majors: readonly Coin[] = [
  coin('BTC', 60_000, 600, 650, 0.028, '2017-08-17', [2, 5]),
  coin('ETH', 3_000, 420, 500, 0.036, '2017-08-17', [2, 4]),
  coin('BNB', 580, 120, 350, 0.036, '2017-11-06', [2, 3]),
  coin('SOL', 150, 260, 350, 0.048, '2020-08-11', [2, 3]),
  coin('XRP', 0.6, 200, 400, 0.045, '2018-05-04', [4, 1]),
  coin('ADA', 0.45, 70, 250, 0.045, '2018-04-17', [4, 1]),
  coin('DOGE', 0.12, 130, 300, 0.052, '2019-07-05', [5, 0]),
  coin('AVAX', 30, 50, 220, 0.05, '2020-09-22', [2, 2]),
  coin('DOT', 6, 30, 220, 0.046, '2020-08-18', [3, 2]),
  coin('LINK', 14, 45, 220, 0.047, '2019-01-16', [2, 2]),
];

/** US dollars a unit of the quote asset is worth, and the least notional of an order in it. */
const quotes: Readonly<Record<string, { usd: number; minNotional: string }>> = {
  USDT: { usd: 1, minNotional: '5.00000000' },
  USDC: { usd: 1, minNotional: '5.00000000' },
  FDUSD: { usd: 1, minNotional: '5.00000000' },
  EUR: { usd: 1.08, minNotional: '5.00000000' },
  TRY: { usd: 0.03, minNotional: '10.00000000' },
  BTC: { usd: 60_000, minNotional: '0.00010000' },
};
const otherQuotes = ['BTC', 'EUR', 'TRY', 'USDC', 'FDUSD'] as const;
/** Coins listed after the majors, with a price in US dollars. */
const knownCoins =
  'LTC:82 BCH:420 TRX:0.13 UNI:8.5 ATOM:6.8 XLM:0.105 NEAR:5.1 FIL:4.6 ICP:9.2 APT:8.8 ARB:0.82 OP:1.75 INJ:22 SUI:1.1 ' +
  'SEI:0.42 TIA:7.2 AAVE:96 MKR:2450 GRT:0.21 ALGO:0.16 VET:0.027 EGLD:36 SAND:0.34 MANA:0.36 AXS:6.4 FTM:0.58 ' +
  'HBAR:0.076 QNT:84 RUNE:4.7 STX:1.8 IMX:1.5 LDO:1.7 CRV:0.31 SNX:1.9 COMP:52 ZEC:27 DASH:28 XTZ:0.78 EOS:0.58 ' +
  'NEO:11.5 IOTA:0.17 KAVA:0.42 CHZ:0.078 ENJ:0.19 BAT:0.2 ZIL:0.018 ONE:0.015 HOT:0.0019 SHIB:0.000018 PEPE:0.000011';
const syllables = 'ka lo mi ra te vo ne zu pi da so fe gu xi no be ly qa tor vex lum arc nim'.split(' ');

/** Markets `0 … count - 1`; what a market is depends on the seed and its name, never on `count`. */
export function marketsOf(seed: number, count: number): Market[] {
  const markets = majors.slice(0, count).map((major) => marketOf(seed, major, 'USDT'));
  const names = new Set(markets.map(({ symbol }) => symbol));
  const known = knownCoins.split(' ');
  const listed: Coin[] = [...majors];
  for (let index = majors.length; markets.length < count; index++) {
    const market = index % 25 === 13 ? leveraged(seed, index) : listing(seed, index, known, listed);
    if (names.has(market.symbol)) continue;
    names.add(market.symbol);
    markets.push(market);
  }
  return markets;
}

/** Another coin under a market's name: same rules, another price level and another path, listed later. */
export function renewed(seed: number, market: Market, listing: number, listingDay: number): Market {
  const hash = hashOf(seed, `${market.symbol}#${listing}`);
  const random = new Random(mix(hash, 0x11571));
  const cheaper = 4 + 30 * random.next();
  const anchorTicks = Math.max(50, Math.round(market.anchorTicks / cheaper));
  return {
    ...market,
    ...{ listingDay, anchorTicks, hash },
    dailyVolatility: market.dailyVolatility * (1 + 0.3 * random.next()),
    lotsPerTrade: (market.lotsPerTrade * market.anchorTicks) / anchorTicks,
  };
}

/** Every fourth listing is a known coin against another quote, the others are new coins; a few are stablecoins. */
function listing(seed: number, index: number, names: string[], listed: Coin[]): Market {
  const random = new Random(mix(mix(seed, 77), index));
  if (index === 17) return marketOf(seed, stable('USDC', 1), 'USDT');
  if (index === 33) return marketOf(seed, stable('EUR', 1.08), 'USDT');
  if (index === 51) return marketOf(seed, stable('FDUSD', 1), 'USDT');
  const known = listed[random.below(listed.length)];
  if (index % 4 === 3 && known !== undefined) {
    const quote = otherQuotes[random.below(otherQuotes.length)] ?? 'BTC';
    if (quote !== known.base) {
      return marketOf(
        seed,
        { ...known, perMinute: known.perMinute / 15, listed: dayBetween(random, '2019-01-01') },
        quote,
      );
    }
  }
  const [base = inventedName(random), usd = 10 ** (-4 + 6 * random.next())] = names.shift()?.split(':') ?? [];
  const perMinute = 0.4 + 40 * Math.exp(-index / 90) * (0.4 + 1.2 * random.next());
  const created = coin(
    base,
    Number(usd),
    perMinute,
    60 + 200 * random.next(),
    0.04 + 0.03 * random.next(),
    dayBetween(random, '2018-06-01'),
  );
  listed.push(created);
  return marketOf(seed, created, 'USDT');
}

function leveraged(seed: number, index: number): Market {
  const major = majors[Math.floor(index / 50) % majors.length];
  const base = `${major?.base ?? 'BTC'}${Math.floor(index / 25) % 2 === 0 ? 'UP' : 'DOWN'}`;
  return marketOf(seed, coin(base, 8, 4, 90, 0.09, '2020-05-15'), 'USDT');
}

function marketOf(seed: number, { base, usd, ...coin }: Coin, quote: string): Market {
  const { usd: quoteUsd, minNotional } = quotes[quote] ?? { usd: 1, minNotional: '5.00000000' };
  const price = usd / quoteUsd;
  const [tickDigits, stepDigits] = (quote === 'USDT' ? coin.digits : undefined) ?? digitsFor(price, usd);
  const symbol = base + quote;
  return {
    ...{ symbol, base, quote, tickDigits, stepDigits, minNotional },
    listingDay: Date.parse(coin.listed) / 86_400_000,
    anchorTicks: Math.max(50, Math.round(price * 10 ** tickDigits)),
    dailyVolatility: coin.volatility,
    tradesPerMinute: coin.perMinute,
    lotsPerTrade: Math.max(4, (coin.notional / usd) * 10 ** stepDigits),
    hash: hashOf(seed, symbol),
  };
}

/** About five significant digits of price; a lot of some ten cents. */
function digitsFor(price: number, usd: number): readonly [tick: number, step: number] {
  const tick = Math.max(0, Math.min(8, 4 - Math.floor(Math.log10(price))));
  return [tick, Math.max(0, Math.min(8 - tick, Math.floor(Math.log10(usd)) + 1))];
}

function inventedName(random: Random): string {
  const part = () => syllables[random.below(syllables.length)] ?? 'ka';
  return (part() + part()).toUpperCase().slice(0, 5);
}

function dayBetween(random: Random, from: string): string {
  const first = Date.parse(from);
  const ms = first + random.next() * (Date.parse('2024-10-01') - first);
  return new Date(ms).toISOString().slice(0, 10);
}

function stable(base: string, usd: number): Coin {
  return coin(base, usd, 25, 400, 0.0006, '2021-01-15', [4, 1]);
}

function coin(
  base: string,
  usd: number,
  perMinute: number,
  notional: number,
  volatility: number,
  listed: string,
  digits?: readonly [number, number],
): Coin {
  return { base, usd, perMinute, notional, volatility, listed, ...(digits === undefined ? {} : { digits }) };
}
