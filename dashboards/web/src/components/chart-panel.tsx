import { useState } from 'react';
import type { Market } from '#api/client/index.ts';
import { percent, price, short } from '../format.ts';
import { useLive, type LiveStore } from '../state/live-store.ts';
import { PriceChart } from './price-chart.tsx';

const intervals = [
  { seconds: 1, label: '1 s' },
  { seconds: 5, label: '5 s' },
  { seconds: 60, label: '1 min' },
] as const;

export function ChartPanel({ store, market }: { store: LiveStore; market: Market | undefined }) {
  const [seconds, setSeconds] = useState<number>(5);
  if (market === undefined) {
    return (
      <section aria-label="Chart" className="panel min-h-80 items-center justify-center text-soft">
        No market yet
      </section>
    );
  }
  return (
    <section aria-labelledby="chart-title" className="panel min-h-80">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2 border-b border-line px-4 py-2.5">
        <h2 id="chart-title" className="text-base font-semibold">
          {market.symbol}
        </h2>
        <Figures store={store} market={market} />
        <div
          role="group"
          aria-label="Length of a candle"
          className="ml-auto flex rounded-lg border border-line"
        >
          {intervals.map((interval) => (
            <button
              key={interval.seconds}
              type="button"
              aria-pressed={interval.seconds === seconds}
              onClick={() => setSeconds(interval.seconds)}
              className={`px-3 py-1 text-xs first:rounded-l-lg last:rounded-r-lg ${
                interval.seconds === seconds ? 'bg-raised text-ink' : 'text-soft hover:text-ink'
              }`}
            >
              {interval.label}
            </button>
          ))}
        </div>
      </div>
      <PriceChart
        key={`${market.symbol} ${seconds}`}
        store={store}
        symbol={market.symbol}
        seconds={seconds}
      />
      <p className="px-4 pb-2 text-xs text-soft">
        Candles made here from the trades held and arriving. Chart by TradingView Lightweight Charts™.
      </p>
    </section>
  );
}

function Figures({ store, market }: { store: LiveStore; market: Market }) {
  const live = useLive(store, () => store.market(market.symbol));
  const change = market.changePercent;
  return (
    <dl className="flex flex-wrap gap-x-5 gap-y-1 text-sm">
      <Figure name="Last" value={price(live?.price ?? market.lastPrice)} />
      <Figure
        name="24 h"
        value={change === null ? '–' : percent(change)}
        tone={(change ?? 0) >= 0 ? 'text-up' : 'text-down'}
      />
      <Figure name="High" value={market.highPrice === null ? '–' : price(market.highPrice)} />
      <Figure name="Low" value={market.lowPrice === null ? '–' : price(market.lowPrice)} />
      <Figure name="Volume" value={market.quoteVolume === null ? '–' : short(Number(market.quoteVolume))} />
    </dl>
  );
}

function Figure({ name, value, tone = 'text-ink' }: { name: string; value: string; tone?: string }) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="text-xs text-soft">{name}</dt>
      <dd className={`figure ${tone}`}>{value}</dd>
    </div>
  );
}
