import { price, timeOfDay } from '../format.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';

export function TradeTape({ store, symbol }: { store: LiveStore; symbol: string | undefined }) {
  const trades = useLive(store, () => store.tape(symbol ?? ''));
  return (
    <section aria-labelledby="tape-title" className="panel min-h-72 flex-1 basis-0 lg:min-h-40">
      <h2 id="tape-title" className="panel-title">
        Trades <span className="ml-auto text-soft normal-case">{symbol}</span>
      </h2>
      <div
        role="region"
        aria-label={`Newest trades${symbol === undefined ? '' : ` of ${symbol}`}`}
        // A region that scrolls must be reachable by the keyboard.
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto"
      >
        <table className="w-full text-xs">
          <thead className="sticky top-0 bg-panel text-soft">
            <tr>
              <th scope="col" className="px-4 py-1.5 text-left font-medium">
                Time (UTC)
              </th>
              <th scope="col" className="py-1.5 text-right font-medium">
                Price
              </th>
              <th scope="col" className="px-4 py-1.5 text-right font-medium">
                Volume
              </th>
            </tr>
          </thead>
          <tbody className="figure" data-testid="tape">
            {trades.map((trade) => (
              <tr key={trade.sequence}>
                <td className="px-4 py-0.5 text-soft">{timeOfDay(trade.timestamp)}</td>
                <td className={`py-0.5 text-right ${trade.side === 'buy' ? 'text-up' : 'text-down'}`}>
                  <span className="sr-only">{trade.side} at </span>
                  {price(trade.price)}
                </td>
                <td className="px-4 py-0.5 text-right">{price(trade.volume)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
