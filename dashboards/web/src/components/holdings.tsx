import { useMemo } from 'react';
import { amount, percent, price, signed } from '../format.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { usePrices } from '../state/use-prices.ts';
import { liveHoldings, type LiveHolding } from '../state/worth.ts';

const roomy = 'hidden sm:table-cell';

export interface HoldingsProps {
  live: LiveStore;
  store: PortfolioStore;
  onMarket: (symbol: string) => void;
}

/** What was bought and not sold yet, at newest prices. */
export function Holdings({ live, store, onMarket }: HoldingsProps) {
  const { portfolio } = useLive(store, store.state);
  const assets = useMemo(() => portfolio?.holdings.map(({ asset }) => asset) ?? [], [portfolio]);
  const priceOf = usePrices(live, assets, portfolio?.value.asset ?? '');
  if (portfolio === undefined) return <p className="p-4 text-sm text-soft">Reading the holdings…</p>;
  const holdings = liveHoldings(portfolio, priceOf);
  if (holdings.length === 0) {
    return (
      <p className="p-4 text-sm text-soft">Nothing is held: what you buy will stand here with its profit.</p>
    );
  }
  return (
    <table data-testid="holdings" className="w-full text-xs">
      <thead className="sticky top-0 bg-panel text-soft">
        <tr>
          <th scope="col" className="py-1.5 pl-4 text-left font-medium">
            Asset
          </th>
          <th scope="col" className="py-1.5 text-right font-medium">
            Quantity
          </th>
          <th scope="col" className={`py-1.5 pl-3 text-right font-medium ${roomy}`}>
            Cost of one
          </th>
          <th scope="col" className={`py-1.5 pl-3 text-right font-medium ${roomy}`}>
            Last price
          </th>
          <th scope="col" className="py-1.5 pl-3 text-right font-medium">
            Value
          </th>
          <th scope="col" className="py-1.5 pl-3 text-right font-medium max-sm:pr-4">
            Profit
          </th>
          <th scope="col" className={`py-1.5 pr-4 pl-3 text-right font-medium ${roomy}`}>
            Realised
          </th>
        </tr>
      </thead>
      <tbody>
        {holdings.map((holding) => (
          <Row key={`${holding.asset}/${holding.quote}`} holding={holding} onMarket={onMarket} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ holding, onMarket }: { holding: LiveHolding; onMarket: (symbol: string) => void }) {
  const { asset, quote, quantity, averageCost, price: last, value, profit, realizedProfit } = holding;
  return (
    <tr className="border-t border-line hover:bg-raised/50">
      <td className="py-2 pl-4">
        <button type="button" onClick={() => onMarket(asset + quote)} className="font-medium hover:underline">
          {asset}
        </button>
        <span className="text-soft">/{quote}</span>
      </td>
      <td className="figure py-2 text-right">{amount(quantity)}</td>
      <td className={`figure py-2 pl-3 text-right ${roomy}`}>{amount(averageCost, quote)}</td>
      <td className={`figure py-2 pl-3 text-right ${roomy}`}>{last === undefined ? '–' : price(last)}</td>
      <td className="figure py-2 pl-3 text-right">{value === undefined ? '–' : amount(value, quote)}</td>
      <td className={`figure py-2 pl-3 text-right max-sm:pr-4 ${tone(profit)}`}>
        {profit === undefined ? '–' : signed(profit, quote)}
        {holding.percent !== undefined && <span className="block">{percent(holding.percent)}</span>}
      </td>
      <td className={`figure py-2 pr-4 pl-3 text-right ${roomy} ${tone(realizedProfit)}`}>
        {signed(realizedProfit, quote)}
      </td>
    </tr>
  );
}

/** Of a gain or a loss. */
export function tone(value: string | undefined): string {
  if (value === undefined || !/[1-9]/.test(value)) return '';
  return value.startsWith('-') ? 'text-down' : 'text-up';
}
