import type { Market } from '#api/client/index.ts';
import { percent, price } from '../format.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import { Sparkline } from './sparkline.tsx';

export interface MarketListProps {
  store: LiveStore;
  markets: readonly Market[];
  error: string | undefined;
  selected: string | undefined;
  onSelect: (symbol: string) => void;
}

export function MarketList({ store, markets, error, selected, onSelect }: MarketListProps) {
  return (
    <section aria-labelledby="markets-title" className="panel min-h-60 flex-[3] basis-0">
      <h2 id="markets-title" className="panel-title">
        Markets <span className="figure ml-auto text-soft">{markets.length}</span>
      </h2>
      {markets.length === 0 && (
        <p className="p-4 text-sm text-soft">{error ?? 'Waiting for the first trades…'}</p>
      )}
      <ul className="min-h-0 flex-1 overflow-y-auto">
        {markets.map((market) => (
          <li key={market.symbol}>
            <MarketRow
              store={store}
              market={market}
              selected={market.symbol === selected}
              onSelect={onSelect}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface MarketRowProps {
  store: LiveStore;
  market: Market;
  selected: boolean;
  onSelect: (symbol: string) => void;
}

function MarketRow({ store, market, selected, onSelect }: MarketRowProps) {
  const live = useLive(store, () => store.market(market.symbol));
  const shown = live?.price ?? market.lastPrice;
  const change = market.openPrice === null ? market.changePercent : changeOf(market.openPrice, shown);
  const flash = live === undefined || live.changes === 0 ? '' : `flash-${live.direction}`;
  const tone = live?.direction === 'up' ? 'text-up' : live?.direction === 'down' ? 'text-down' : '';
  return (
    <button
      type="button"
      aria-pressed={selected}
      onClick={() => onSelect(market.symbol)}
      className={`grid w-full grid-cols-[minmax(5.5rem,1fr)_3rem_auto] items-center lg:max-xl:grid-cols-[minmax(0,1fr)_auto] gap-2 border-l-2 px-4 py-2 text-left hover:bg-raised ${
        selected ? 'border-accent bg-raised' : 'border-transparent'
      }`}
    >
      <span className="truncate font-medium">{market.symbol}</span>
      <span className="lg:max-xl:hidden">
        <Sparkline values={live?.trend ?? []} rising={(change ?? 0) >= 0} />
      </span>
      <span className="flex min-w-22 flex-col items-end">
        <span
          key={live?.changes}
          data-testid={`price-${market.symbol}`}
          className={`figure rounded px-1 text-sm ${tone} ${flash}`}
        >
          {price(shown)}
        </span>
        <span className={`figure px-1 text-xs ${(change ?? 0) >= 0 ? 'text-up' : 'text-down'}`}>
          {change === null ? '–' : percent(change)}
        </span>
      </span>
    </button>
  );
}

function changeOf(open: string, last: string): number {
  return ((Number(last) - Number(open)) / Number(open)) * 100;
}
