/** What the chart shows, as its user chose it. */
export interface ChartChoice {
  interval: ChartInterval;
  shown: readonly Layer[];
}

export const chartIntervals = ['1s', '1m', '5m', '15m', '1h', '4h', '1d'] as const;
export type ChartInterval = (typeof chartIntervals)[number];

const seconds: Record<ChartInterval, number> = {
  '1s': 1,
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3_600,
  '4h': 14_400,
  '1d': 86_400,
};

export function secondsOf(interval: ChartInterval): number {
  return seconds[interval];
}

/** What can be switched, in the order of its buttons. */
export const layers = {
  sma20: { label: 'SMA 20', color: '#fbbf24' },
  sma50: { label: 'SMA 50', color: '#38bdf8' },
  sma200: { label: 'SMA 200', color: '#c084fc' },
  bollinger: { label: 'Bollinger', color: '#94a3b8' },
  rsi: { label: 'RSI', color: '#f0abfc' },
  macd: { label: 'MACD', color: '#7dd3fc' },
  volatility: { label: 'Volatility', color: '#5eead4' },
  signals: { label: 'Signals', color: '#34d399' },
} as const;
export type Layer = keyof typeof layers;

/** Indicators are of bars of a minute and longer. */
export function hasIndicators(interval: ChartInterval): interval is Exclude<ChartInterval, '1s'> {
  return interval !== '1s';
}

export const layerNames = Object.keys(layers).filter(isLayer);

const usual: ChartChoice = { interval: '1m', shown: ['sma20', 'sma50', 'sma200', 'rsi', 'signals'] };
const storageKey = 'ticklake.chart';

/** The choice of the last visit; the usual one where there was none, or none that is understood. */
export function rememberedChoice(storage: Pick<Storage, 'getItem'>): ChartChoice {
  try {
    return choiceOf(JSON.parse(storage.getItem(storageKey) ?? 'null')) ?? usual;
  } catch {
    return usual;
  }
}

export function rememberChoice(storage: Pick<Storage, 'setItem'>, choice: ChartChoice): void {
  try {
    storage.setItem(storageKey, JSON.stringify(choice));
  } catch {
    // A browser that keeps nothing shows the usual chart next time.
  }
}

function choiceOf(value: unknown): ChartChoice | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { interval, shown }: { interval?: unknown; shown?: unknown } = value;
  const known = chartIntervals.find((candidate) => candidate === interval);
  if (known === undefined || !Array.isArray(shown)) return undefined;
  return {
    interval: known,
    shown: shown.filter((name: unknown) => typeof name === 'string').filter(isLayer),
  };
}

function isLayer(name: string): name is Layer {
  return Object.hasOwn(layers, name);
}
