import type { Market } from '#api/client/index.ts';
import type { ChartChoice } from '../chart/choice.ts';
import type { Level } from '../chart/drawing.ts';
import { percent, price, short } from '../format.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import { ChartToolbar } from './chart-toolbar.tsx';
import { PriceChart } from './price-chart.tsx';

export interface ChartPanelProps {
  store: LiveStore;
  market: Market | undefined;
  choice: ChartChoice;
  levels: readonly Level[];
  onChoose: (choice: ChartChoice) => void;
}

export function ChartPanel({ store, market, choice, levels, onChoose }: ChartPanelProps) {
  if (market === undefined) {
    return (
      <section aria-label="Chart" className="panel min-h-80 flex-1 items-center justify-center text-soft">
        No market yet
      </section>
    );
  }
  const { symbol, source } = market;
  const { interval, shown } = choice;
  return (
    <section aria-labelledby="chart-title" className="panel min-h-80 flex-1">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2 border-b border-line px-4 py-2.5">
        <h2 id="chart-title" className="text-base font-semibold">
          {symbol}
        </h2>
        <Figures store={store} market={market} />
      </div>
      <ChartToolbar choice={choice} onChoose={onChoose} />
      <PriceChart key={`${symbol} ${interval}`} {...{ store, symbol, source, interval, shown, levels }} />
      <p className="px-4 pb-2 text-xs text-soft">
        The bar that goes on is made here from trades. Chart by TradingView Lightweight Charts™.
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
