import { useEffect, useRef, useState } from 'react';
import { api, streamUrl } from '../api.ts';
import type { ChartInterval, Layer } from '../chart/choice.ts';
import type { Level } from '../chart/drawing.ts';
import type { MarketOf } from '../chart/history.ts';
import { openLiveChart, type ChartState, type Legend, type LiveChart } from '../chart/live-chart.ts';
import type { LiveStore } from '../state/live-store.ts';
import { ChartLegend } from './chart-legend.tsx';

export interface PriceChartProps extends MarketOf {
  store: LiveStore;
  interval: ChartInterval;
  shown: readonly Layer[];
  /** Prices that orders wait for. */
  levels: readonly Level[];
}

/** Candles of one market with what was chosen over and under them, and the figures of one bar as text. */
export function PriceChart({ store, symbol, source, interval, shown, levels }: PriceChartProps) {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<LiveChart>(undefined);
  const firstShown = useRef(shown);
  const [state, setState] = useState<ChartState>({ is: 'loading' });
  const [legend, setLegend] = useState<Legend>({ bar: undefined, row: undefined });
  useEffect(() => {
    if (container.current === null) return;
    const opened = openLiveChart({
      ...{ container: container.current, api, streamUrl, store, interval },
      ...{ market: { symbol, source }, shown: firstShown.current, onState: setState, onLegend: setLegend },
    });
    chart.current = opened;
    return () => {
      chart.current = undefined;
      opened.close();
    };
  }, [store, symbol, source, interval]);
  useEffect(() => {
    firstShown.current = shown;
    chart.current?.show(shown);
  }, [shown]);
  // Also where another chart has been opened.
  useEffect(() => chart.current?.setLevels(levels), [levels, store, symbol, source, interval]);
  return (
    <>
      <ChartLegend {...{ legend, interval, shown }} />
      <div className="relative flex min-h-96 flex-1 flex-col lg:min-h-0">
        <div
          ref={container}
          role="img"
          aria-label={`Candles of ${symbol}, ${interval}`}
          className="min-h-0 flex-1"
        />
        <ChartNote state={state} />
      </div>
    </>
  );
}

/** Says why the chart is empty, or not whole. */
function ChartNote({ state }: { state: ChartState }) {
  const text =
    state.is === 'loading'
      ? 'Reading bars…'
      : state.is === 'failed'
        ? `The bars cannot be read: ${state.reason}. Trying again…`
        : state.bars === 0
          ? 'No bars yet: the first trades will make them.'
          : undefined;
  if (text === undefined) return null;
  return (
    <p
      role="status"
      className={`absolute inset-x-4 top-1/3 z-10 text-center text-sm ${state.is === 'failed' ? 'text-down' : 'text-soft'}`}
    >
      {text}
    </p>
  );
}
