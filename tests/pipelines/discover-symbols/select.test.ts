import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExchangeSymbol, Ticker } from '#core/exchanges/exchange.ts';
import {
  defaultRules,
  isLeveraged,
  lastRank,
  type UniverseRules,
} from '#pipelines/discover-symbols/rules.ts';
import { selectUniverse, type Selection } from '#pipelines/discover-symbols/select.ts';

const rules: UniverseRules = { ...defaultRules, top: 3 };

function market(base: string, quote: string, changes: Partial<ExchangeSymbol> = {}): ExchangeSymbol {
  return {
    ...{ symbol: base + quote, base, quote, status: 'TRADING', permissions: ['SPOT'] },
    ...{ tickSize: '0.01', stepSize: '0.001', minQuantity: '0.001', minNotional: '5' },
    ...changes,
  };
}

function ticker(symbol: string, quoteVolume: number, lastPrice = 1): Ticker {
  const price = lastPrice.toFixed(8);
  const hasTrades = quoteVolume > 0;
  return {
    ...{ symbol, lastPrice: price, openPrice: price, highPrice: price, lowPrice: price },
    ...{ volume: (quoteVolume / (lastPrice || 1)).toFixed(8), quoteVolume: quoteVolume.toFixed(8) },
    ...{ openTimeUs: 0, closeTimeUs: 86_400_000_000 },
    ...{ firstTradeId: hasTrades ? 1 : -1, lastTradeId: hasTrades ? 9 : -1, tradeCount: hasTrades ? 9 : 0 },
  };
}

function select(
  symbols: ExchangeSymbol[],
  tickers: Ticker[],
  own: Partial<UniverseRules> = {},
  previous: readonly string[] = [],
): Selection {
  return selectUniverse({ symbols, tickers, previous: new Set(previous) }, { ...rules, ...own });
}

const names = ({ chosen }: Selection) => chosen.map((one) => one.market.symbol);
const reasonOf = ({ dropped }: Selection, symbol: string) =>
  dropped.find((one) => one.symbol === symbol)?.reason;

describe('leveraged tokens', () => {
  const assets = new Set(['BTC', 'ETH', '1INCH', 'JUP', 'SUPER', 'SYRUP', 'USDT', 'J', 'S']);
  test.each(['BTCUP', 'BTCDOWN', 'ETHBULL', 'ETHBEAR', '1INCHUP', 'BTC3L', 'ETH5S', 'BULL', 'BEAR'])(
    '%s is one',
    (base) => {
      expect(isLeveraged({ base, permissions: ['SPOT'] }, assets)).toBe(true);
    },
  );
  test.each(['JUP', 'SUPER', 'SYRUP', 'UP', 'DOWN', 'PUMPUP', 'BTC', 'S3L'])('%s is a coin', (base) => {
    expect(isLeveraged({ base, permissions: ['SPOT'] }, assets)).toBe(false);
  });
  test("the venue's own word counts, whatever the name", () => {
    expect(isLeveraged({ base: 'ODD', permissions: ['LEVERAGED'] }, assets)).toBe(true);
  });
});

describe('what is dropped, and why', () => {
  const symbols = [
    market('BTC', 'USDT'),
    market('ETH', 'USDT', { status: 'HALT' }),
    market('LUNA', 'USDT', { status: 'BREAK' }),
    market('BTCUP', 'USDT'),
    market('BTC', 'EUR'),
    market('EUR', 'USDT'),
    market('USDC', 'USDT'),
    market('BTC', 'USDC'),
    market('NEW', 'USDT'),
    market('MUTE', 'USDT'),
    market('ODD', 'BTC'),
    market('JUP', 'USDT'),
  ];
  const tickers = symbols
    .filter(({ symbol }) => symbol !== 'MUTEUSDT')
    .map(({ symbol }) => (symbol === 'NEWUSDT' ? ticker(symbol, 0, 0) : ticker(symbol, 100)));
  const selection = select(symbols, tickers);

  test('every market is chosen or dropped for one reason', () => {
    expect(names(selection)).toEqual(['BTCUSDT', 'JUPUSDT']);
    expect(Object.fromEntries(selection.dropped.map(({ symbol, reason }) => [symbol, reason]))).toEqual({
      ...{ ETHUSDT: 'halted', LUNAUSDT: 'delisted', BTCUPUSDT: 'leveraged', BTCEUR: 'excluded_quote' },
      ...{ EURUSDT: 'excluded_base', USDCUSDT: 'excluded_base', BTCUSDC: 'counted_with_its_coin' },
      ...{ NEWUSDT: 'no_trades', MUTEUSDT: 'no_trades', ODDBTC: 'no_market_in_quote' },
    });
  });

  test('the lists are configurable', () => {
    const own = select(symbols, tickers, { top: 9, excludedBases: [], excludedQuotes: ['USDC'] });
    expect(names(own)).toContain('USDCUSDT');
    expect(reasonOf(own, 'BTCUSDC')).toBe('excluded_quote');
    expect(reasonOf(own, 'BTCEUR')).toBe('counted_with_its_coin');
  });
});

describe('liquidity', () => {
  test('of other quotes counts at their own price in the common one, whichever way round', () => {
    const symbols = [
      market('BTC', 'USDT'),
      market('ETH', 'USDT'),
      market('ETH', 'BTC'),
      market('ETH', 'TWD'),
      market('ETH', 'XYZ'),
      market('USDT', 'TWD'),
    ];
    const tickers = [
      ticker('BTCUSDT', 1_000, 50_000),
      ticker('ETHUSDT', 500, 3_000),
      ticker('ETHBTC', 0.02, 0.06),
      ticker('ETHTWD', 320, 96_000),
      ticker('ETHXYZ', 1e12, 1),
      ticker('USDTTWD', 1, 32),
    ];
    const { chosen } = select(symbols, tickers);
    expect(chosen.map(({ market, rank }) => [market.symbol, rank])).toEqual([
      ['ETHUSDT', 1],
      ['BTCUSDT', 2],
    ]);
    expect(chosen[0]?.liquidity).toBeCloseTo(500 + 0.02 * 50_000 + 320 / 32, 6);
  });
});

/** Coins whose liquidity falls by `ratio` from one to the next. */
function ladder(count: number, ratio: number): { symbols: ExchangeSymbol[]; liquidity: number[] } {
  const symbols = Array.from({ length: count }, (_, i) => market(`COIN${i}`, 'USDT'));
  return { symbols, liquidity: symbols.map((_, i) => 1e9 * ratio ** -i) };
}

describe('properties', () => {
  const scene = fc.record({
    top: fc.integer({ min: 1, max: 30 }),
    hysteresis: fc.double({ min: 0, max: 1, noNaN: true }),
    coins: fc.array(
      fc.record({
        volume: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 1e9, noNaN: true })),
        status: fc.constantFrom('TRADING', 'TRADING', 'TRADING', 'HALT', 'BREAK'),
        wasIn: fc.boolean(),
      }),
      { maxLength: 80 },
    ),
  });
  const inputOf = (coins: { volume: number; status: string; wasIn: boolean }[]) => {
    const symbols = coins.map(({ status }, i) => market(`COIN${i}`, 'USDT', { status }));
    const tickers = coins.map(({ volume }, i) => ticker(`COIN${i}USDT`, volume));
    const previous = coins.flatMap(({ wasIn }, i) => (wasIn ? [`COIN${i}USDT`] : []));
    return { symbols, tickers, previous };
  };

  test('never more than the bound, never less than what there is, every market accounted for once', () => {
    fc.assert(
      fc.property(scene, ({ top, hysteresis, coins }) => {
        const { symbols, tickers, previous } = inputOf(coins);
        const selection = select(symbols, tickers, { top, hysteresis }, previous);
        const alive = coins.filter(({ volume, status }) => volume > 0 && status === 'TRADING').length;
        expect(selection.chosen.length).toBeLessThanOrEqual(lastRank({ top, hysteresis }));
        expect(selection.chosen.length).toBeGreaterThanOrEqual(Math.min(top, alive));
        const all = [...names(selection), ...selection.dropped.map(({ symbol }) => symbol)];
        expect(all.sort()).toEqual(symbols.map(({ symbol }) => symbol).sort());
      }),
    );
  });

  test('the order of the answers does not matter', () => {
    fc.assert(
      fc.property(scene, fc.infiniteStream(fc.nat()), ({ top, hysteresis, coins }, keys) => {
        const { symbols, tickers, previous } = inputOf(coins);
        const shuffled = <T>(list: T[]): T[] =>
          list
            .map((item) => ({ item, key: keys.next().value ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ item }) => item);
        const own = { top, hysteresis };
        expect(select(shuffled(symbols), shuffled(tickers), own, shuffled(previous))).toEqual(
          select(symbols, tickers, own, previous),
        );
      }),
    );
  });

  test('a coin that came in stays while noise moves it by no more than half the band', () => {
    const top = 20;
    const hysteresis = 0.2;
    const ratio = 1.1;
    const { symbols, liquidity } = ladder(40, ratio);
    // Coins i and i + 2 keep their order while each is off by less than the ratio: ranks move by 1, the band is 4.
    const noise = fc.double({
      min: 1 / ratio,
      max: ratio,
      noNaN: true,
      minExcluded: true,
      maxExcluded: true,
    });
    const rounds = fc.array(fc.array(noise, { minLength: 40, maxLength: 40 }), {
      minLength: 2,
      maxLength: 12,
    });
    fc.assert(
      fc.property(rounds, (factors) => {
        const seen = new Set<string>();
        let previous: string[] = [];
        for (const round of factors) {
          const tickers = symbols.map(({ symbol }, i) =>
            ticker(symbol, (liquidity[i] ?? 0) * (round[i] ?? 1)),
          );
          previous = names(select(symbols, tickers, { top, hysteresis }, previous));
          for (const symbol of seen) expect(previous).toContain(symbol);
          for (const symbol of previous) seen.add(symbol);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('without hysteresis the same noise makes a coin flap', () => {
    const { symbols, liquidity } = ladder(40, 1.1);
    const round = (edge: number, previous: string[], hysteresis: number) =>
      names(
        select(
          symbols,
          symbols.map(({ symbol }, i) => ticker(symbol, (liquidity[i] ?? 0) * (i === 20 ? edge : 1))),
          { top: 20, hysteresis },
          previous,
        ),
      );
    const came = round(1.2, [], 0);
    expect(came).toContain('COIN20USDT');
    expect(round(1, came, 0)).not.toContain('COIN20USDT');
    expect(round(1, came, 0.2)).toContain('COIN20USDT');
  });
});
