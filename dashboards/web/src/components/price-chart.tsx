import {
  CandlestickSeries,
  createChart,
  HistogramSeries,
  type IChartApi,
  type UTCTimestamp,
} from 'lightweight-charts';
import { useEffect, useRef } from 'react';
import type { StreamTrade } from '#api/client/index.ts';
import { api } from '../api.ts';
import { CandleSeries, type Candle } from '../state/candles.ts';
import type { LiveStore } from '../state/live-store.ts';

const seedTrades = 1_000;
const up = '#34d399';
const down = '#fb7185';

export interface PriceChartProps {
  store: LiveStore;
  symbol: string;
  seconds: number;
}

/** Candles of one market: from the trades held, then from those that arrive. */
export function PriceChart({ store, symbol, seconds }: PriceChartProps) {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (container.current === null) return;
    const chart = open(container.current);
    const show = candleDrawer(chart);
    const series = new CandleSeries(seconds);
    const ids = new Set<number>();
    const add = (trades: readonly Seed[]): void => {
      const fresh = trades.filter(({ sequence }) => !ids.has(sequence));
      for (const { sequence } of fresh) ids.add(sequence);
      show(series, series.add(fresh));
    };
    add(store.tape(symbol));
    const stopListening = store.onTrades(symbol, add);
    const leaving = new AbortController();
    void seed(symbol, leaving.signal).then(add);
    return () => {
      leaving.abort();
      stopListening();
      chart.remove();
    };
  }, [store, symbol, seconds]);
  return <div ref={container} role="img" aria-label={`Candles of ${symbol}`} className="min-h-64 flex-1" />;
}

type Seed = Pick<StreamTrade, 'sequence' | 'price' | 'volume' | 'timestamp'>;

/** None where nothing is committed yet: the stream then fills the chart. */
async function seed(symbol: string, signal: AbortSignal): Promise<Seed[]> {
  try {
    const { items } = await api.trades(symbol, seedTrades, signal);
    return items.map((trade) => ({ ...trade, sequence: trade.tradeId }));
  } catch {
    return [];
  }
}

function open(container: HTMLElement): IChartApi {
  return createChart(container, {
    autoSize: true,
    layout: {
      background: { color: 'transparent' },
      textColor: '#9fb0c8',
      fontFamily: 'ui-sans-serif, system-ui, sans-serif',
      // The logo would add inline styles, which the service's policy forbids; the credit stands below the chart.
      attributionLogo: false,
    },
    grid: { vertLines: { color: '#172238' }, horzLines: { color: '#172238' } },
    rightPriceScale: { borderColor: '#1f2c45', scaleMargins: { top: 0.08, bottom: 0.24 } },
    timeScale: { borderColor: '#1f2c45', timeVisible: true, secondsVisible: true, rightOffset: 4 },
  });
}

/** Draws what changed: the newest bars one by one, everything where an older one changed. */
function candleDrawer(chart: IChartApi): (series: CandleSeries, changed: readonly Candle[]) => void {
  const candles = chart.addSeries(CandlestickSeries, {
    ...{ upColor: up, wickUpColor: up, downColor: down, wickDownColor: down },
    borderVisible: false,
  });
  const volumes = chart.addSeries(HistogramSeries, { priceScaleId: '', priceFormat: { type: 'volume' } });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  let newest = Number.NEGATIVE_INFINITY;

  return (series, changed) => {
    const [first] = changed;
    if (first === undefined) return;
    if (first.time < newest || newest === Number.NEGATIVE_INFINITY) {
      const all = series.all();
      candles.applyOptions({ priceFormat: priceFormat(first.close) });
      candles.setData(all.map(bar));
      volumes.setData(all.map(volume));
    } else {
      for (const candle of changed) {
        candles.update(bar(candle));
        volumes.update(volume(candle));
      }
    }
    newest = Math.max(newest, changed.at(-1)?.time ?? newest);
  };
}

function bar({ time, open, high, low, close }: Candle) {
  return { time: time as UTCTimestamp, open, high, low, close };
}

function volume({ time, open, close, volume: value }: Candle) {
  return { time: time as UTCTimestamp, value, color: close >= open ? '#34d39955' : '#fb718555' };
}

/** As many digits as a price of this size needs to be seen moving. */
function priceFormat(price: number): { type: 'price'; precision: number; minMove: number } {
  const precision = price >= 1000 ? 2 : price >= 1 ? 4 : 6;
  return { type: 'price', precision, minMove: 10 ** -precision };
}
