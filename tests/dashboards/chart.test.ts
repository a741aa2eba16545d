import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barOf, begunBy, ChartBars, type Bar } from '../../dashboards/web/src/chart/bars.ts';
import { rememberChoice, rememberedChoice } from '../../dashboards/web/src/chart/choice.ts';

const midnight = Date.parse('2024-08-08T00:00:00Z') / 1000;
const trade = (sequence: number, second: number, price: number) => ({
  sequence,
  price: String(price),
  volume: '1',
  timestamp: new Date((midnight + second) * 1_000).toISOString(),
});
const bar = (minute: number, open: number, high: number, low: number, close: number, volume = 1): Bar => ({
  time: midnight + minute * 60,
  ...{ open, high, low, close, volume },
});

describe('the bars of a chart', () => {
  it('are what the service told, and made of trades where it told nothing yet', () => {
    const bars = new ChartBars(60);
    expect(bars.trade([trade(1, 5, 10), trade(2, 70, 20), trade(3, 80, 15)])).toEqual([
      bar(0, 10, 10, 10, 10),
      bar(1, 20, 20, 15, 15, 2),
    ]);
    expect(bars.close([bar(0, 9, 11, 8, 10, 5)])).toEqual([bar(0, 9, 11, 8, 10, 5)]);
    expect(bars.trade([trade(4, 6, 99), trade(5, 90, 25)])).toEqual([bar(1, 20, 25, 15, 25, 3)]);
    expect(bars.close([bar(0, 9, 12, 8, 10, 6)])).toEqual([bar(0, 9, 12, 8, 10, 6)]);
    expect(bars.all()).toEqual([bar(0, 9, 12, 8, 10, 6), bar(1, 20, 25, 15, 25, 3)]);
  });

  it('go on from smaller bars, whose trades do not count twice', () => {
    const minutes = [
      bar(5, 10, 14, 9, 12, 3),
      bar(7, 13, 15, 13, 14),
      bar(6, 12, 13, 8, 13, 2),
      bar(4, 1, 1, 1, 1),
    ];
    const begun = begunBy(minutes, 60, 300);
    expect(begun).toEqual({ bar: bar(5, 10, 15, 8, 14, 6), until: midnight + 8 * 60 });
    const bars = new ChartBars(300);
    expect(bars.begin(begun)).toEqual([bar(5, 10, 15, 8, 14, 6)]);
    expect(bars.trade([trade(1, 479, 99), trade(2, 480, 7), trade(3, 481, 9)])).toEqual([
      bar(5, 10, 15, 7, 9, 8),
    ]);
    expect(bars.trade([trade(4, 600, 9)])).toEqual([bar(10, 9, 9, 9, 9)]);
    expect(bars.all()).toHaveLength(2);
    expect(begunBy(minutes.slice(1, 3), 60, 300)).toBeUndefined();
    expect(begunBy([], 60, 300)).toBeUndefined();
  });

  it('end the same whatever comes first', () => {
    const trades = [trade(1, 1, 10), trade(2, 61, 14), trade(3, 62, 8), trade(4, 130, 9)];
    const steps = [
      ...trades.map((each) => (bars: ChartBars) => bars.trade([each])),
      (bars: ChartBars) => bars.close([bar(0, 3, 30, 3, 30)]),
    ];
    const expected = [bar(0, 3, 30, 3, 30), bar(1, 14, 14, 8, 8, 2), bar(2, 9, 9, 9, 9)];
    fc.assert(
      fc.property(fc.shuffledSubarray(steps, { minLength: steps.length }), (shuffled) => {
        const bars = new ChartBars(60);
        for (const step of shuffled) step(bars);
        expect(bars.all()).toEqual(expected);
      }),
    );
  });

  it('are read off candles', () => {
    const candle = {
      ...{
        openTime: '2024-08-08T00:01:00.000000Z',
        open: '1.5',
        high: '2',
        low: '1',
        close: '1.75',
        volume: '3',
      },
      ...{ quoteVolume: '5', trades: 2, takerBuyVolume: '1', takerBuyQuoteVolume: '2', isFilled: false },
      ...{ isComplete: true, origin: 'candle' as const, revision: 1 },
    };
    expect(barOf(candle)).toEqual(bar(1, 1.5, 2, 1, 1.75, 3));
  });
});

describe('the choice of what is drawn', () => {
  const storageOf = (text: string | null) => ({ getItem: () => text });

  it('is remembered', () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => void kept.set(name, value),
    };
    rememberChoice(storage, { interval: '4h', shown: ['macd', 'sma20'] });
    expect(rememberedChoice(storage)).toEqual({ interval: '4h', shown: ['macd', 'sma20'] });
  });

  it.each([null, 'nonsense', '{}', '{"interval":"7m","shown":[]}', '{"interval":"1m","shown":"all"}'])(
    'is the usual one where what is kept is %j',
    (text) => {
      expect(rememberedChoice(storageOf(text)).shown).toContain('rsi');
    },
  );

  it('leaves out what is not drawn any more, and goes on where nothing can be kept', () => {
    expect(rememberedChoice(storageOf('{"interval":"1h","shown":["sma20","gone",7]}'))).toEqual({
      ...{ interval: '1h', shown: ['sma20'] },
    });
    const full = {
      setItem: () => {
        throw new Error('full');
      },
    };
    rememberChoice(full, { interval: '1m', shown: [] });
  });
});
